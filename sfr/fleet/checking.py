"""Checks the configurations of all orgs offline, each for itself and against the others, before anything is started.

Keeps no configuration: a fleet may have thousands of orgs.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

from sfr.config.load import load_config
from sfr.errors import ConfigurationError, UsageError
from sfr.fleet.records import expected_s
from sfr.fleet.values import Org, PlannedOrg
from sfr.report_list.delivery_targets import shared_targets
from sfr.report_list.reading import load_reports
from sfr.wording import quoted

if TYPE_CHECKING:
    from sfr.config.settings import Config, LoadedConfig
    from sfr.model import Report

#: In one number of 64 bits: a digest of what an org uses, and the number of the org.
_DIGEST_BITS, _NUMBER_BITS = 48, 16
MAX_ORGS = 2**_NUMBER_BITS - 2


@dataclass(frozen=True, slots=True)
class CheckedOrgs:
    """Orgs whose configurations are valid, in list order."""

    planned: list[PlannedOrg]
    #: Environment variables that they use as secrets.
    secret_variables: frozenset[str]

    def only(self, orgs: Sequence[Org]) -> CheckedOrgs:
        """The same for these orgs only."""
        chosen = set(orgs)
        return CheckedOrgs([one for one in self.planned if one.org in chosen], self.secret_variables)


def check_orgs(orgs: Sequence[Org], environ: Mapping[str, str], output: str) -> CheckedOrgs:
    """Check the configuration and the report list of each org.

    output: the fleet's own output directory. Raises ConfigurationError with all problems of all orgs.
    """
    now, secret_variables = datetime.now().astimezone(), frozenset[str]()
    problems: list[str] = []
    planned: list[PlannedOrg] = []
    used = _Used(os.path.realpath(output))
    if len(orgs) > MAX_ORGS:
        raise ConfigurationError(f"orgs: expected at most {MAX_ORGS:,} orgs; found {len(orgs):,}")
    for number, org in enumerate(orgs):
        try:
            loaded, reports = _load(org, environ, now)
        except UsageError as error:
            problems += error.problems
            continue
        used.add(number, (thing for _, thing, _ in _things(loaded.config, reports)))
        secret_variables |= loaded.secret_variables
        stop_grace_s = loaded.config.fetch.stop_grace_s
        report_list = loaded.config.reports.list
        planned.append(PlannedOrg(org, len(reports), stop_grace_s, expected_s(output, org.name), report_list))
    for first, second in used.suspects():
        problems += _shared(first, second, orgs, output, lambda org: _load(org, environ, now))
    if problems:
        raise ConfigurationError(*dict.fromkeys(problems))
    return CheckedOrgs(planned, secret_variables)


def _load(org: Org, environ: Mapping[str, str], now: datetime) -> tuple[LoadedConfig, tuple[Report, ...]]:
    loaded = load_config(org.config, environ=environ, env_file=org.env_file)
    return loaded, load_reports(loaded.config, now=now)


class _Used:
    """What orgs use, 8 bytes each: a fleet may have tens of thousands of reports."""

    def __init__(self, output: str) -> None:
        self._used = array("Q")
        self._add(0, output)

    def add(self, number: int, things: Iterable[str]) -> None:
        """Add what the org of this number uses."""
        for thing in things:
            self._add(number + 1, thing)

    def _add(self, user: int, thing: str) -> None:
        digest = blake2b(os.fsencode(thing), digest_size=_DIGEST_BITS // 8).digest()
        self._used.append(int.from_bytes(digest) << _NUMBER_BITS | user)

    def suspects(self) -> list[tuple[int, int]]:
        """Pairs of orgs with a digest in common, by number; -1 is the fleet itself."""
        mask = 2**_NUMBER_BITS - 1
        found = {
            ((one & mask) - 1, (other & mask) - 1)
            for one, other in pairwise(sorted(self._used))
            if one >> _NUMBER_BITS == other >> _NUMBER_BITS and one != other
        }
        return sorted(found)


def _shared(
    first: int,
    second: int,
    orgs: Sequence[Org],
    output: str,
    load: Callable[[Org], tuple[LoadedConfig, tuple[Report, ...]]],
) -> Iterator[str]:
    """A problem for each kind of thing that two orgs have in common."""
    org, others, other = orgs[second], {os.path.realpath(output)}, "the fleet itself"
    if first >= 0:
        loaded, reports = load(orgs[first])
        others = {thing for _, thing, _ in _things(loaded.config, reports)}
        other = f"the org {quoted(orgs[first].name)}"
    loaded, reports = load(org)
    common = {kind: shown for kind, thing, shown in reversed([*_things(loaded.config, reports)]) if thing in others}
    for kind, shown in reversed(common.items()):
        yield (
            f"{org.config}: the org {quoted(org.name)} and {other} have the same {kind}: {quoted(shown, 300)}; give "
            "each its own"
        )


def _things(config: Config, reports: Sequence[Report]) -> Iterator[tuple[str, str, str]]:
    """(kind, what identifies it, as shown) of everything that only one org may write to."""
    directory = os.path.realpath(config.output.directory)
    yield "output directory", directory, directory
    if config.logging.file.path is not None:
        log = os.path.realpath(config.logging.file.path)
        yield "log file", log, log
    history = os.path.realpath(config.history_path)
    yield "history", history, history
    for summary in config.summary:
        path = os.path.realpath(config.summary_path(summary))
        yield "summary", path, path
    for report in reports:
        path = os.path.realpath(report.path)
        yield "report file", path, path
    for identity, target in shared_targets(config, reports):
        yield "target of a delivery", identity, target
