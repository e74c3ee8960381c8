"""The command line's options replace the configuration's, and obey its limits."""

import pytest

from sfr.config.org_settings import Salesforce
from sfr.config.overrides import Overrides, apply_overrides
from sfr.config.settings import Config, LoadedConfig
from sfr.errors import ConfigurationError
from sfr.redaction import Redactor
from sfr.salesforce.auth.sf_cli import SfCliSettings


@pytest.fixture
def loaded():
    """A configuration of defaults."""
    return LoadedConfig(
        Config(salesforce=Salesforce(domain="emulator", auth=SfCliSettings(org="me"))),
        Redactor(),
        frozenset({"PW"}),
        ("warning",),
    )


def test_apply_overrides_changes_nothing_when_none_is_given(loaded):
    """Precedence: what is not on the command line is the YAML's."""
    assert apply_overrides(loaded, Overrides()) == loaded


def test_apply_overrides_replaces_what_is_given(loaded, tmp_path, monkeypatch):
    """Threads, workers, both log levels and the list; nothing else changes."""
    monkeypatch.chdir(tmp_path)

    changed = apply_overrides(loaded, Overrides(9, 3, "INFO", "error", "my/list.csv"))

    config = changed.config
    assert config.fetch.threads == 9
    assert config.workers.count == 3
    assert (config.logging.console.level, config.logging.file.level.upper()) == ("INFO", "ERROR")
    assert config.reports.list == str(tmp_path / "my/list.csv")
    assert config.fetch.attempts == loaded.config.fetch.attempts
    assert (changed.redactor, changed.secret_variables, changed.warnings) == (
        loaded.redactor,
        loaded.secret_variables,
        loaded.warnings,
    )


def test_apply_overrides_takes_any_working_directory(tmp_path, monkeypatch):
    """What a path in a configuration may not hold, the working directory may."""
    directory = tmp_path / "{prod} $x"
    directory.mkdir()
    monkeypatch.chdir(directory)
    config = Config(salesforce=Salesforce(domain="emulator", auth=SfCliSettings(org="me")))

    changed = apply_overrides(LoadedConfig(config, Redactor()), Overrides(9, 3, "INFO", "ERROR", "list.csv")).config

    assert changed.reports.list == str(directory / "list.csv")
    assert changed.logging.file.path == str(directory / "logs/sfr.log")
    assert changed.logging.file.level == "ERROR"


def test_apply_overrides_reports_all_problems_at_once(loaded):
    """The limits are those of the configuration."""
    with pytest.raises(ConfigurationError) as caught:
        apply_overrides(loaded, Overrides(0, 999, "LOUD", "DEBUGG", ""))

    assert list(caught.value.problems) == [
        "--threads: expected an integer from 1 to 100; found '0'",
        "--workers: expected an integer from 1 to 256, or `auto`; found '999'",
        "--log-level: expected one of `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`; found 'LOUD'",
        "--file-log-level: expected one of `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`; found 'DEBUGG'; "
        "did you mean `DEBUG`?",
        "REPORT_LIST: is empty; expected a report list, a CSV file",
    ]
