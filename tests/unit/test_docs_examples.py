"""The examples in the documents work: configurations, report lists, scenarios of the emulated org."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from sfr.config.load import load_config
from sfr.emulator.scenarios.scenario import load_scenario
from sfr.report_list.reading import load_reports

ROOT = Path(__file__).parents[2]
CONFIGURED = ("README.md", "docs/configuration.md", "docs/destinations.md", "docs/operations.md")
LISTED = ("README.md", "docs/configuration.md", "docs/routes.md")
#: Variables of the examples that need a certain form; the others get a word.
VALUES = {"SFDC_DOMAIN": "https://acme.my.salesforce.com", "WAREHOUSE_URL": "postgresql://sfr:password@db/sales"}
#: Files that an example names, and that the user has.
FILES = (
    "salesforce.auth.jwt.private_key_file",
    "destinations.lake.gcs.service_account_file",
    "destinations.partner.sftp.private_key_file",
    "destinations.partner.sftp.known_hosts",
)
#: What most examples leave out.
ORG = {"domain": "emulator", "auth": {"sid": {"value": "00D5g0000000EMU!AQ.example"}}}
REPORTS = {
    "list": None,
    "items": [{"report_type": "SFDC", "report_file_name": "A", "report_id": "00OD0000001ZbP7MAK"}],
}


def examples(language: str, *documents: str) -> list[object]:
    """The blocks of a language in these documents, each as a parameter named by its document and number."""
    blocks = ((name, re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(), re.S)) for name in documents)
    return [
        pytest.param(block, id=f"{name} {number}") for name, found in blocks for number, block in enumerate(found, 1)
    ]


@pytest.mark.parametrize("example", examples("yaml", *CONFIGURED))
def test_configuration_of_a_document_is_valid(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example leaves out is added; nothing that it says is an error."""
    monkeypatch.chdir(tmp_path)
    settings = {"salesforce": ORG, "reports": REPORTS} | yaml.safe_load(example)
    Path("example.yaml").write_text(yaml.safe_dump(settings))
    environ = {name: VALUES.get(name, "example") for name in re.findall(r"\$\{(\w+)\}", example)}

    loaded = load_config("example.yaml", environ=environ, may_be_missing=FILES)

    assert loaded.config.reports.list is not None or loaded.config.reports.items


@pytest.mark.parametrize("example", examples("csv", *LISTED))
def test_report_list_of_a_document_is_valid(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row is a report."""
    monkeypatch.chdir(tmp_path)
    Path("example.csv").write_text(example)
    Path("example.yaml").write_text(yaml.safe_dump({"salesforce": ORG, "reports": {"list": "example.csv"}}))
    config = load_config("example.yaml", environ={}).config

    assert len(load_reports(config, now=datetime.now(UTC))) == len(example.splitlines()) - 1


@pytest.mark.parametrize("example", examples("yaml", "docs/emulator.md"))
def test_scenario_of_a_document_is_valid(example: str) -> None:
    """The emulated org accepts it."""
    assert load_scenario(yaml.safe_load(example)).rules
