"""Scenarios: what is understood, and what the errors say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfr.emulator import Attempts, Rule, ScenarioError
from sfr.emulator.http.request import Request
from sfr.emulator.scenarios.actions import ACTIONS, make_action
from sfr.emulator.scenarios.body_actions import Reset
from sfr.emulator.scenarios.rules import RuleBook, Target
from sfr.emulator.scenarios.scenario import load_scenario, make_rules


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [("*", [1, 9], []), ("1", [1], [2]), (2, [2], [1, 3]), ("1-2", [1, 2], [3]), ("3-", [3, 99], [2]),
     ("1,4-5", [1, 4, 5], [2]),
     ([1, 3], [1, 3], [2])],
)  # fmt: skip
def test_attempts_hold_what_they_name(text: object, inside: list[int], outside: list[int]) -> None:
    """Numbers, ranges, open ranges and lists."""
    attempts = Attempts.parse(text)
    assert all(number in attempts for number in inside)
    assert not any(number in attempts for number in outside)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ({"rule": []}, "unknown key 'rule'; expected: org, rules, reports, seed"),
        ({"rules": [{"report": "*", "action": "explode"}]}, "rule 1: action: one of answer, refuse, reset"),
        ({"rules": [{"report": "*", "action": "reset", "after": 1}]}, "rule 1: action reset: unknown option 'after'"),
        ({"rules": [{"action": "reset", "after_bytes": "x"}]}, "after_bytes: 'x' does not fit; expected: int"),
        ({"rules": [{"action": "html", "page": "none"}]}, "page: one of session_lost"),
        ({"rules": [{"action": "answer", "attempts": "one"}]}, "attempts: `\\*`, `1`"),
        ({"rules": [{"action": "answer", "footer": "none at all"}]}, "footer: one of standard"),
        ({"org": {"concurrency": 3}}, "org: unknown option 'concurrency'"),
        ({"org": {"step_up": "sometimes"}}, "expected: 'never' or 'browser' or 'always'"),
        ({"reports": [{"name": "x", "size": 3}]}, "reports: unknown option 'size'"),
    ],
)
def test_scenario_is_refused_with_the_reason_when_wrong(scenario: dict[str, Any], message: str) -> None:
    """Every error says what is wrong and what is expected."""
    with pytest.raises(ScenarioError, match=message):
        load_scenario(scenario)


def test_scenario_is_the_same_from_yaml_json_and_mapping(tmp_path: Path) -> None:
    """Three ways to write the same."""
    mapping = {
        "org": {"concurrency_limit": 2, "scopes": ["api"]},
        "rules": [{"report": "A*", "attempts": "1-2", "action": "reset", "after_bytes": 7}],
        "reports": [{"name": "Mine", "rows": 3}],
    }
    (tmp_path / "a.json").write_text(json.dumps(mapping))
    (tmp_path / "a.yaml").write_text(
        "org: {concurrency_limit: 2, scopes: [api]}\n"
        "rules: [{report: 'A*', attempts: 1-2, action: reset, after_bytes: 7}]\n"
        "reports: [{name: Mine, rows: 3}]\n"
    )
    loaded = load_scenario(mapping)
    assert loaded == load_scenario(tmp_path / "a.json") == load_scenario(str(tmp_path / "a.yaml"))
    assert loaded.rules[0].action == Reset(7)


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_works_with_its_defaults(name: str) -> None:
    """No option is required."""
    assert make_action(name, {})


def test_rules_are_counted_over_every_matching_request_and_per_report() -> None:
    """A rule for attempt 2 sees the attempt that an earlier rule took; another report starts at 1."""
    first, second = Reset(1), Reset(2)
    book = RuleBook(
        (Rule(first, report="*", attempts=Attempts.parse(1)), Rule(second, report="*", attempts=Attempts.parse(2)))
    )

    def action(report_id: str) -> object:
        rule = book.match(Target(Request("GET", f"/{report_id}?export", {}), True, report_id, "Name"))
        return rule.action if rule else None

    assert [action("00O00000000000a") for _ in range(3)] == [first, second, None]
    assert action("00O00000000000b") == first


def test_chance_draws_the_same_attempts_every_time() -> None:
    """Random faults come from the seed."""

    def drawn(seed: int) -> list[bool]:
        book = RuleBook(make_rules([{"report": "*", "chance": 0.3, "action": "reset"}]), seed)
        target = Target(Request("GET", "/x?export", {}), True, "00O00000000000a", "Name")
        return [book.match(target) is not None for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 20 < sum(drawn(1)) < 100


def test_rule_without_path_concerns_exports_only() -> None:
    """A report rule leaves the Analytics API alone unless a path says otherwise."""
    request = Request("GET", "/services/data/v64.0/analytics/reports/00O00000000000a", {})
    target = Target(request, False, "00O00000000000a", "Name")
    assert not Rule(Reset(), report="*").concerns(target)
    assert Rule(Reset(), report="Na*", path="*/analytics/*").concerns(target)
    assert not Rule(Reset(), report="Na*", path="*/analytics/*", method="POST").concerns(target)
