"""Destinations in the configuration: names, secrets, and what identifies them in the history."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfr.config.destination_settings import settings_digest
from sfr.config.load import load_config
from sfr.config.settings import LoadedConfig
from sfr.destinations import KINDS
from sfr.errors import ConfigurationError
from sfr.redaction import Secret

HEAD = """
salesforce: {domain: emulator, auth: {sf_cli: {org: me}}}
reports: {list: null, items: [{report_type: SOQL, report_file_name: A, soql: SELECT Id FROM Account}]}
"""


@pytest.fixture
def load(tmp_path: Path):
    """Loads a configuration with these lines."""

    def load_lines(lines: str, **environ: str) -> LoadedConfig:
        path, env_file = tmp_path / "a.yaml", tmp_path / "empty.env"
        path.write_text(HEAD + lines)
        env_file.touch(mode=0o600)
        path.chmod(0o600)
        return load_config(str(path), environ=environ, env_file=str(env_file))

    return load_lines


def test_password_of_a_database_is_masked_and_its_host_is_not(load) -> None:
    """Host, database and user appear in messages and targets; the variable leaves the environment of the run."""
    url = "postgresql://sfr:p%40ss-canary@db.example.com:5432/sales?sslpassword=key-canary"
    loaded = load('destinations: {w: {postgres: {url: "${WAREHOUSE}"}}}', WAREHOUSE=url)
    masked = loaded.redactor.redact(f"{url} p@ss-canary db.example.com /sales")

    assert "canary" not in masked
    assert masked.endswith("db.example.com /sales")
    assert "canary" not in repr(loaded.config)
    assert loaded.secret_variables == {"WAREHOUSE"}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("destinations: {a: {folder: {path: x}, sqlite: {path: x}}}", "exactly one of"),
        ("destinations: {a: {}}", "exactly one of"),
        ("destinations: {a: 3}", "mapping"),
        ("destinations: {none: {folder: {path: x}}}", "`none` means no destination"),
        ("destinations: {a b: {folder: {path: x}}}", "letters, digits, - and _"),
        ("destinations: {a: {folders: {path: x}}}", "did you mean `folder`"),
        ("destinations: {a: {sqlite: {path: x, mode: merge}}}", "needs a `key`"),
        ('destinations: {a: {postgres: {url: "mysql://u:canary@h/d"}}}', "scheme://user:password@host:5432/database"),
        (
            'destinations: {a: {postgres: {url: "postgresql://u:canary@h"}}}',
            "scheme://user:password@host:5432/database",
        ),
        ("output: {deliver: [a]}", "there are none in `destinations`"),
        ("output: {deliver: [shar]}\ndestinations: {share: {folder: {path: x}}}", "did you mean `share`"),
    ],
)
def test_wrong_settings_are_reported_without_secrets(load, lines: str, expected: str) -> None:
    """What was expected; never the password."""
    with pytest.raises(ConfigurationError) as caught:
        load(lines)

    assert expected in str(caught.value)
    assert "canary" not in str(caught.value)


def test_missing_package_is_an_error_that_says_how_to_install_it(load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is fetched."""
    monkeypatch.setattr("sfr.destinations.postgres.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'sfr\[postgres\]'"):
        load('destinations: {w: {postgres: {url: "postgresql://u:p@h/d"}}}')


def test_destination_is_recognised_by_its_settings_without_secrets() -> None:
    """A new password is not a new destination; another mode is."""
    settings = KINDS["postgres"].settings

    def digest(password: str, mode: str = "replace") -> bytes:
        return settings_digest(settings(url=Secret(f"postgresql://u:{password}@h/d"), mode=mode))

    assert digest("one") == digest("two")
    assert digest("one") != digest("one", "append")
