"""Checks the configurations of all orgs offline, each for itself and against the others, before anything is started.

Keeps no configuration: a fleet may have thousands of orgs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from sfr.config.load import load_config
from sfr.config.own_files import own_files
from sfr.errors import ConfigurationError, UsageError
from sfr.fleet.records import expected_s
from sfr.fleet.values import Org, PlannedOrg
from sfr.report_list.delivery_targets import shared_targets
from sfr.report_list.reading import load_reports
from sfr.wording import quoted

if TYPE_CHECKING:
    from sfr.config.settings import Config
    from sfr.model import Report

#: Of what identifies a file in memory: 128 bits.
_DIGEST_BYTES = 16


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
    shared = _SharedThings(orgs, output)
    for number, org in enumerate(orgs):
        try:
            loaded = load_config(org.config, environ=environ, env_file=org.env_file)
            config, reports = loaded.config, load_reports(loaded.config, now=now)
        except UsageError as error:
            problems += error.problems
            continue
        problems += shared.add(number, config, reports)
        secret_variables |= loaded.secret_variables
        planned.append(PlannedOrg(org, len(reports), config.fetch.stop_grace_s, expected_s(output, org.name)))
    if problems:
        raise ConfigurationError(*dict.fromkeys(problems))
    return CheckedOrgs(planned, secret_variables)


class _SharedThings:
    """What two orgs must not share, by digest."""

    def __init__(self, orgs: Sequence[Org], output: str) -> None:
        self._orgs = orgs
        #: Digest → number of the org that uses it; -1 for the fleet itself.
        self._users: dict[bytes, int] = {_digest(os.path.realpath(output)): -1}

    def add(self, number: int, config: Config, reports: Sequence[Report]) -> Iterator[str]:
        """Add what an org uses; yields a problem for the first of each kind that another org uses."""
        found: set[str] = set()
        for kind, thing, shown in _things(config, reports):
            user = self._users.setdefault(_digest(thing), number)
            if user != number and kind not in found:
                found.add(kind)
                other = "the fleet itself" if user < 0 else f"the org {quoted(self._orgs[user].name)}"
                yield (
                    f"{self._orgs[number].config}: the org {quoted(self._orgs[number].name)} and {other} have the same "
                    f"{kind}: {quoted(shown, 300)}; give each its own"
                )


def _things(config: Config, reports: Sequence[Report]) -> Iterator[tuple[str, str, str]]:
    """(kind, what identifies it, as shown) of everything that only one org may write to."""
    directory = os.path.realpath(config.output.directory)
    yield "output directory", directory, directory
    for option, path in own_files(config):
        if option not in ("reports.list", "the lock") and not (
            option.startswith("summary") and os.path.dirname(path) == directory
        ):
            yield _KINDS.get(option, "summary"), path, path
    for report in reports:
        path = os.path.realpath(report.path)
        yield "report file", path, path
    for identity, target in shared_targets(config, reports):
        yield "target of a delivery", identity, target


_KINDS = {"logging.file.path": "log file", "history.path": "history"}


def _digest(text: str) -> bytes:
    return blake2b(os.fsencode(text), digest_size=_DIGEST_BYTES).digest()
