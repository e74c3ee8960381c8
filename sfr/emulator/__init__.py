"""A Salesforce org in a box, for demos, tests and anyone who writes Salesforce clients. See docs/emulator.md.

`with Emulator() as org: ...` in a process, or `python -m sfr.emulator` as a program. Everything in it is generated from
a seed; it talks to nobody and imports nothing else of `sfr`.
"""

from sfr.emulator.actions import ScenarioError
from sfr.emulator.catalogue import ReportEntry
from sfr.emulator.credentials import Credentials
from sfr.emulator.emulator import Emulator, start
from sfr.emulator.request_log import RequestLog, RequestRecord
from sfr.emulator.rules import Attempts, Rule
from sfr.emulator.scenario import CustomReport, Scenario, Settings

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
