"""Defines a check of `sfr doctor`, its finding, and what earlier checks found out for later ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.config.settings import Config, LoadedConfig
    from sfr.model import Report
    from sfr.salesforce.connection import Connection
    from sfr.salesforce.http.transport import Transport


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    #: Not done: what it depends on failed, or the set-up has nothing to check.
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result. Its texts are for people, without secrets."""

    name: str
    status: Status
    message: str
    #: What to do; empty if all is well.
    remedy: str = ""


@dataclass(slots=True)
class SetUp:
    """The set-up being examined. Checks fill in what they find out; None: no check has determined it."""

    config_path: str
    env_file: str | None
    #: Closes transport, embedded org and session at the end.
    stack: ExitStack
    loaded: LoadedConfig | None = None
    #: The configuration to connect with: of the embedded org, where it has been started.
    config: Config | None = None
    reports: tuple[Report, ...] | None = None
    transport: Transport | None = None
    #: Of the org; empty where a proxy looks up its name.
    address: str | None = None
    #: The `Date` of the org's answer; None until it answers.
    org_date: str | None = None
    #: After a log-in that was accepted.
    connection: Connection | None = None
    scopes: frozenset[str] | None = None
    #: The first report of the list that the org shows to the user; None without one.
    sample: Report | None = None
    #: Set if the log-in was refused.
    is_refused: bool = False
    #: Set if configuration or list are wrong.
    is_misconfigured: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A check: a function of a module of this package, and one line in `CHECKS`."""

    #: Of its lines.
    names: tuple[str, ...]
    examine: Callable[[SetUp], Finding | Iterable[Finding]]
    #: Attributes of `SetUp` that it needs, each with what is missing otherwise.
    needs: tuple[str, ...] = field(default=())


#: Attribute of `SetUp` → why a check that needs it is skipped.
MISSING = {
    "loaded": "the configuration is wrong",
    "config": "the configuration is wrong",
    "reports": "there is no valid report list",
    "transport": "the configuration is wrong",
    "address": "the org's name has no address here",
    "org_date": "the org cannot be reached",
    "connection": "there is no session",
    "sample": "no listed report is accessible",
}
