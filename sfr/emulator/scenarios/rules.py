"""Rules of a scenario: which action applies to which requests and attempts. Counts the attempts."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from sfr.emulator.catalogue.ids import short_id
from sfr.emulator.http.request import Request
from sfr.emulator.scenarios.actions import ScenarioError
from sfr.emulator.scenarios.effects import Action

_ATTEMPTS = re.compile(r"^(\d+)(?:(-)(\d*))?$")


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts that a rule applies to: `*`, `1`, `1-2`, `3-`, `1,4-5`, a number, or a list of numbers."""

    ranges: tuple[tuple[int, int | None], ...]

    @classmethod
    def parse(cls, text: object) -> Attempts:
        """From a scenario's value. Raises ScenarioError."""
        if isinstance(text, int) and not isinstance(text, bool):
            return cls(((text, text),))
        if isinstance(text, (list, tuple)):
            return cls(tuple(one for item in text for one in cls.parse(item).ranges))
        if text == "*":
            return cls(((1, None),))
        ranges: list[tuple[int, int | None]] = []
        for part in str(text).split(","):
            match = _ATTEMPTS.match(part.strip())
            if match is None:
                raise ScenarioError(f"attempts: `*`, `1`, `1-2`, `3-` or `1,4` is expected, not {text!r}")
            first = int(match[1])
            ranges.append((first, first if not match[2] else int(match[3]) if match[3] else None))
        return cls(tuple(ranges))

    def __contains__(self, attempt: int) -> bool:
        return any(first <= attempt and (last is None or attempt <= last) for first, last in self.ranges)


EVERY_ATTEMPT = Attempts(((1, None),))


@dataclass(frozen=True, slots=True)
class Target:
    """The properties of a request that rules match. report_id: 15 characters, or "" without a report."""

    request: Request
    is_export: bool
    report_id: str
    report_name: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a scenario.

    report: shell pattern of a report's name, or its id; without `path` only exports match it.
    path: shell pattern of the request's path. method: GET, POST …. credential: sid, bearer, both or none.
    attempts: counted for this rule, separately for each report.
    chance: the share of matching attempts, drawn with the scenario's seed.
    delay_s: before the response, with any action. footer: a variant of the export's footer.
    """

    action: Action
    report: str | None = None
    path: str | None = None
    method: str | None = None
    credential: Literal["sid", "bearer", "both", "none"] | None = None
    attempts: Attempts = EVERY_ATTEMPT
    chance: float = 1
    delay_s: float = 0
    footer: str | None = None

    def concerns(self, target: Target) -> bool:
        """Whether the rule applies to this request, regardless of the attempt."""
        if self.method is not None and self.method.upper() != target.request.method:
            return False
        if self.credential is not None and self.credential != target.request.credential:
            return False
        if self.path is not None and not fnmatchcase(target.request.path, self.path):
            return False
        if self.report is None:
            return self.path is not None or target.is_export
        return (self.path is not None or target.is_export) and self._names(target)

    def _names(self, target: Target) -> bool:
        if not target.report_id or self.report is None:
            return False
        if short_id(self.report) == target.report_id:
            return True
        return fnmatchcase(target.report_name, self.report) or fnmatchcase(target.report_id, self.report)


class RuleBook:
    """The active rules, with the number of matches of each. Thread-safe. The first matching rule wins."""

    def __init__(self, rules: tuple[Rule, ...], seed: int = 0) -> None:
        self.rules = rules
        self._seed = seed
        self._lock = threading.Lock()
        self._counts: dict[tuple[int, str], int] = {}

    def match(self, target: Target) -> Rule | None:
        """The rule for this request, which counts as an attempt for every rule that applies to it."""
        chosen: Rule | None = None
        with self._lock:
            for number, rule in enumerate(self.rules):
                if not rule.concerns(target):
                    continue
                key = (number, target.report_id)
                attempt = self._counts[key] = self._counts.get(key, 0) + 1
                if chosen is None and attempt in rule.attempts and self._drawn(rule, number, target, attempt):
                    chosen = rule
        return chosen

    def _drawn(self, rule: Rule, number: int, target: Target, attempt: int) -> bool:
        if rule.chance >= 1:
            return True
        return random.Random(f"{self._seed}/{number}/{target.report_id}/{attempt}").random() < rule.chance
