"""The plan of a fleet: order, attempts, exit code."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ExitCode, UsageError
from sfr.fleet.index import own_org
from sfr.fleet.plan import exit_code, in_order, is_tried_again, makespan_bound_s
from sfr.fleet.values import Org, OrgResult, PlannedOrg, Totals


def planned(*expected: float | None) -> list[PlannedOrg]:
    """Orgs named 0, 1, … of these durations."""
    return [PlannedOrg(Org(str(number), ""), 1, 30.0, seconds) for number, seconds in enumerate(expected)]


def ended(code: int | None, in_place: int = 0, attempts: int = 1, undelivered: int = 0) -> OrgResult:
    """An org that ended so."""
    return OrgResult("acme", code, Totals(saved=in_place), attempts=attempts, undelivered=undelivered)


def test_unknown_orgs_run_first_then_the_longest():
    """Else in list order."""
    order = in_order(planned(1.0, None, 50.0, None, 50.0, 7.0))

    assert [org.org.name for org in order] == ["1", "3", "2", "4", "5", "0"]


@given(st.lists(st.floats(0.1, 1000), min_size=1, max_size=40), st.integers(1, 8))
def test_longest_first_is_never_longer_than_the_bound_and_the_longest_org(durations, at_once):
    """The promise of list scheduling: each process is busy until the last org begins."""
    free_at = [0.0] * at_once
    for org in in_order(planned(*durations)):
        earliest = free_at.index(min(free_at))
        free_at[earliest] += org.expected_s

    assert max(free_at) <= makespan_bound_s(durations, at_once) + max(durations) + 1e-6


@pytest.mark.parametrize("code", [None, *ExitCode])
def test_only_lost_processes_and_unreachable_orgs_are_tried_again(code):
    """Other codes are problems that another attempt does not solve."""
    code = None if code is None else int(code)

    assert is_tried_again(ended(code), 2, is_stopping=False) == (code in (None, 5))
    assert not is_tried_again(ended(code, attempts=2), 2, is_stopping=False)
    assert not is_tried_again(ended(code), 2, is_stopping=True)


@pytest.mark.parametrize(
    ("orgs", "stop_signal", "code"),
    [
        ([ended(0, 3), ended(0, 1)], None, 0),
        ([ended(0, 3), ended(4, 1)], None, 4),
        ([ended(0, 3), ended(None)], None, 4),
        ([ended(0, 3), ended(5)], None, 4),
        ([ended(5), ended(5)], None, 5),
        ([ended(3), ended(None)], None, 5),
        ([ended(4, 0, undelivered=1), ended(5)], None, 4),
        ([ended(143, 1), ended(None)], signal.SIGTERM, 143),
        ([ended(0, 1)], signal.SIGINT, 130),
    ],
)
def test_exit_code_follows_from_orgs_and_signal(orgs, stop_signal, code):
    """0 all good; 5 no report anywhere; else 4; a signal outranks all."""
    assert exit_code(orgs, stop_signal) == code


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "2", "9" * 5000, "\u0661"])
def test_index_that_is_no_org_is_a_usage_error(text):
    """However long it is."""
    orgs = [Org("acme", "acme.yaml", None), Org("beta", "beta.yaml", None)]

    with pytest.raises(UsageError, match="a number from 0 to 1"):
        own_org(orgs, "SLURM_ARRAY_TASK_ID", {"SLURM_ARRAY_TASK_ID": text})
