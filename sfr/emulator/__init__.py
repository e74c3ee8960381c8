"""Emulates a Salesforce org, for demos, tests and anyone who writes Salesforce clients. See docs/emulator.md.

`with Emulator() as org: ...` in a process, or `python -m sfr.emulator` as a program. All data is generated from a seed;
it opens no outgoing connection and imports nothing else from `sfr`.
"""

from sfr.emulator.catalogue.catalogue import ReportEntry
from sfr.emulator.emulator import Emulator, start
from sfr.emulator.http.request_log import RequestLog, RequestRecord
from sfr.emulator.log_in.credentials import Credentials
from sfr.emulator.scenarios.actions import ScenarioError
from sfr.emulator.scenarios.rules import Attempts, Rule
from sfr.emulator.scenarios.scenario import CustomReport, Scenario, Settings

__all__ = [
    "Attempts",
    "Credentials",
    "CustomReport",
    "Emulator",
    "ReportEntry",
    "RequestLog",
    "RequestRecord",
    "Rule",
    "Scenario",
    "ScenarioError",
    "Settings",
    "start",
]
