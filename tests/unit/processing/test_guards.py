"""Guards: what keeps a new report from replacing the old one, and how it is said."""

import pytest

from sfr.errors import ErrorKind
from sfr.model import Baseline, Guards
from sfr.processing.guards import Verdict, check

HEADER = ("Id", "Name", "City")


def baseline(rows=100, header=HEADER):
    """The last good run."""
    return Baseline(rows, header, "classic", 1000, 900, 1.5)


@pytest.mark.parametrize("before", [None, baseline(None, None), baseline(0), baseline(100)])
def test_guards_pass_a_report_that_has_rows_when_none_is_set(before):
    """Nothing set, nothing fires."""
    assert check(Guards(), before, rows=1, header=("Other",)) == Verdict()


@pytest.mark.parametrize(("rows", "fires"), [(9, True), (10, False), (0, True)])
def test_min_rows_fires_below_the_limit(rows, fires):
    """The limit itself passes; no earlier run is needed."""
    verdict = check(Guards(min_rows=10), None, rows=rows, header=HEADER)

    assert (verdict.error is ErrorKind.GUARD) == fires
    assert ("`min_rows` (10)" in verdict.message) == fires


@pytest.mark.parametrize(("rows", "fires"), [(79, True), (80, False), (200, False), (0, True)])
def test_max_drop_fires_when_more_rows_are_gone_than_allowed(rows, fires):
    """20 % of 100 rows may go."""
    verdict = check(Guards(max_drop_pct=20), baseline(), rows=rows, header=HEADER)

    assert (verdict.error is ErrorKind.GUARD) == fires
    assert (f"{100 - rows:.1f} % fewer than the last good run (100)" in verdict.message) == fires


@pytest.mark.parametrize("before", [None, baseline(None), baseline(0)])
def test_max_drop_passes_when_there_is_nothing_to_compare_with(before):
    """A first run, or one of no rows."""
    assert check(Guards(max_drop_pct=0), before, rows=1, header=HEADER).error is None


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("Id", "Name", "City", "Zip"), "added `Zip`"),
        (("Id", "City"), "removed `Name`"),
        (("Id", "Label", "City"), "renamed `Name` to `Label`"),
        (("Name", "Id", "City"), "reordered `Name`, `Id`."),
        (("Id", "Name"), "removed `City`"),
        (("Id", "Name", "City", "City"), "added `City`"),
        (("X", "Y", "City"), "renamed `Id` to `X`, `Name` to `Y`"),
        (("City", "Id", "New"), "added `New`; removed `Name`"),
        ((*HEADER, *"abcde"), "added `a`, `b`, `c`, `d`, `e`."),
        ((*HEADER, *"abcdef"), "added `a`, `b`, `c`, `d`, `e` and 1 more."),
        ((*HEADER, "x" * 100), f"added `{'x' * 60}`"),
        (tuple("abcdefghi"), "added `a`, `b`, `c`, `d`, `e` and 4 more; removed `Id`, `Name`, `City`"),
    ],
)
def test_columns_guard_names_what_changed(header, said):
    """Added, removed, renamed in place, or moved."""
    verdict = check(Guards(columns="same"), baseline(), rows=5, header=header)

    assert verdict.error is ErrorKind.GUARD
    assert said in verdict.message


def test_columns_guard_survives_repeated_labels():
    """Labels may repeat on both sides."""
    verdict = check(Guards(columns="same"), baseline(header=("A", "A", "C")), rows=5, header=("B", "B", "A"))

    assert "renamed `A` to `B`; added `B`; removed `C`" in verdict.message


@pytest.mark.parametrize("before", [None, baseline(header=None), baseline()])
def test_columns_guard_passes_when_columns_stay_or_are_not_known(before):
    """Compared with the last good run, where there is one."""
    assert check(Guards(columns="same"), before, rows=5, header=HEADER) == Verdict()


def test_may_be_empty_false_refuses_a_report_without_rows():
    """Its own kind, ahead of other guards."""
    verdict = check(Guards(may_be_empty="false", min_rows=5), None, rows=0, header=HEADER)

    assert verdict.error is ErrorKind.EMPTY


def test_may_be_empty_false_passes_a_report_that_has_a_row():
    """It checks nothing else."""
    assert check(Guards(may_be_empty="false"), baseline(), rows=1, header=HEADER) == Verdict()


@pytest.mark.parametrize(
    ("mode", "before", "warns"),
    [("warn", baseline(), True), ("warn", baseline(0), False), ("warn", None, False), ("true", baseline(), False)],
)
def test_may_be_empty_warn_warns_only_when_the_last_run_had_rows(mode, before, warns):
    """A report that is always empty is no news."""
    verdict = check(Guards(may_be_empty=mode), before, rows=0, header=HEADER)

    assert verdict.error is None
    assert bool(verdict.message) == warns


def test_guards_that_fire_together_are_all_named():
    """One message says everything."""
    guards = Guards(min_rows=10, max_drop_pct=1, columns="same")
    message = check(guards, baseline(), rows=5, header=("Id",)).message

    assert all(word in message for word in ("min_rows", "max_drop_pct", "columns: same"))
