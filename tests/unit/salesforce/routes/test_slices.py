"""Reports of many rows, slice by slice, against an org that may change meanwhile."""

import random
import string
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.order_check import Page
from sfr.salesforce.routes.analytics.plan import Cut
from sfr.salesforce.routes.analytics.run_result import Row
from sfr.salesforce.routes.analytics.slices import Slices, best_key

#: A slow machine is no failure.
SLOW = settings(deadline=None)

#: What ids are counted by.
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def key(number):
    """A record id; ascending with the number by every order."""
    return f"500000000{number:06d}AAA"


def CASE_COUNTS(key):  # noqa: N802 - a value, as the tests use it
    """`B` before `a`: how a computer sorts."""
    return key[:15]


def CASE_IS_NOTHING(key):  # noqa: N802 - as above
    """`a` before `B`: how many databases sort."""
    return key.casefold()


@dataclass
class Org:
    """Rows in a table that sorts and filters as Salesforce does; `change` may alter them before any run."""

    rows: list[Row]
    limit: int = 10
    counts: bool = True
    nulls_last: bool = False
    change: object = None
    cuts: list[Cut] = field(default_factory=list)
    #: How keys are sorted, and how a filter compares them.
    sorted_by: object = CASE_COUNTS
    compared_by: object = CASE_COUNTS

    def run(self, cut):
        self.cuts.append(cut)
        if self.change is not None:
            self.change(self, len(self.cuts))
        found = [row for row in self.rows if self.admits(row, cut)]
        found.sort(key=lambda row: (row.keys[0] is None) if self.nulls_last else (row.keys[0] is not None))
        named = [row for row in found if row.keys[0] is not None]
        blank = [row for row in found if row.keys[0] is None]
        named.sort(key=lambda row: self.sorted_by(row.keys[0]))
        found = named + blank if self.nulls_last else blank + named
        if cut.up_to is not None:
            found.reverse()
        return Page(found[: self.limit], len(found) <= self.limit, len(found) if self.counts else None)

    def admits(self, row, cut):
        if row.keys[0] is None or cut.is_blank:
            return row.keys[0] is None and (cut.is_blank or cut.after is cut.up_to is None)
        value = self.compared_by(row.keys[0])
        is_after = cut.after is None or value > self.compared_by(cut.after)
        return is_after and (cut.up_to is None or value <= self.compared_by(cut.up_to))


def rows_of(*keys):
    """One row for each key, distinguished by a number."""
    return [Row((f"row {number}",), (one,)) for number, one in enumerate(keys)]


def taken_from(org):
    """Everything that the slices give."""
    first = org.run(Cut())
    return [row for some in Slices(org.run).rows(first) for row in some]


@SLOW
@given(
    numbers=st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=80),
    limit=st.integers(2, 40),
    nulls_last=st.booleans(),
    counts=st.booleans(),
)
def test_slices_give_every_row_once_or_fail_when_keys_repeat_and_lack(numbers, limit, nulls_last, counts):
    """Whatever repeats or lacks a key: no row is lost, none comes twice, or the report fails as `truncated`."""
    org = Org(rows_of(*(None if n is None else key(n) for n in numbers)), limit, counts, nulls_last)

    try:
        taken = taken_from(org)
    except ReportError as error:
        taken, kind = org.rows, error.kind
    else:
        kind = None

    assert kind is None or (kind is ErrorKind.TRUNCATED and len(org.rows) > limit)
    assert sorted(map(str, taken)) == sorted(map(str, org.rows))


@SLOW
@given(st.integers(0, 10**6), st.integers(5, 12))
def test_slices_lose_or_duplicate_no_row_that_stays_when_others_come_and_go(seed, limit):
    """Rows that exist all the time come exactly once, whatever is added or removed between two runs."""
    chance = random.Random(seed)
    staying = rows_of(*(key(10 * n) for n in range(60)))
    passing = [Row((f"passing {n}",), (key(10 * n + chance.randrange(1, 10)),)) for n in range(60)]

    def change(org, _number):
        org.rows = staying + [row for row in passing if chance.random() < 0.4]

    taken = taken_from(Org(list(staying), limit, change=change))

    assert [row for row in taken if row in staying] == staying
    assert len(taken) == len(set(taken))


@SLOW
@given(
    staying=st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=70),
    passing=st.lists(st.one_of(st.none(), st.integers(0, 40)), max_size=40),
    limit=st.integers(3, 30),
    nulls_last=st.booleans(),
    counts=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_slices_lose_or_duplicate_no_row_when_tied_and_empty_keys_change_in_mid_run(
    staying, passing, limit, nulls_last, counts, seed
):
    """Rows that share a key or lack one, some added, some removed, some edited before every run: the rest stays whole.

    An edited row is the same row with another text: one of its forms comes, once.
    """
    chance = random.Random(seed)

    def named(numbers, word):
        keys = [None if number is None else key(number) for number in numbers]
        return [Row((f"{word} {place}", "as it was"), (one,)) for place, one in enumerate(keys)]

    stay, pass_by = named(staying, "staying"), named(passing, "passing")

    def change(org, _number):
        now = stay + [row for row in pass_by if chance.random() < 0.5]
        org.rows = [Row((row.texts[0], chance.choice(("as it was", "edited"))), row.keys) for row in now]

    try:
        taken, kind = taken_from(Org(stay, limit, counts, nulls_last, change=change)), None
    except ReportError as error:
        taken, kind = stay, error.kind

    names = [row.texts[0] for row in taken]
    assert kind in (None, ErrorKind.TRUNCATED)
    assert len(names) == len(set(names))
    assert {row.texts[0] for row in stay} <= set(names)


@SLOW
@given(
    numbers=st.sets(st.integers(0, 62**2), min_size=5, max_size=80),
    # Four ids may differ in nothing but case.
    limit=st.integers(5, 30),
    orders=st.tuples(*[st.sampled_from((CASE_COUNTS, CASE_IS_NOTHING))] * 2),
    counts=st.booleans(),
)
def test_slices_lose_no_row_when_order_and_filter_disagree_about_case(numbers, limit, orders, counts):
    """Ids whose letters are of either case: the report is whole, or fails; it always comes where both agree."""
    ids = [f"5000000000000{DIGITS[n // 62 % 62]}{DIGITS[n % 62]}AAA" for n in numbers]
    org = Org(rows_of(*ids), limit, counts, sorted_by=orders[0], compared_by=orders[1])

    try:
        taken, kind = taken_from(org), None
    except ReportError as error:
        taken, kind = org.rows, error.kind

    assert kind in (None, ErrorKind.TRUNCATED)
    assert kind is None or orders[0] is not orders[1]
    assert sorted(map(str, taken)) == sorted(map(str, org.rows))


def test_slices_request_rows_without_a_key_when_added_rows_hide_that_they_are_missing():
    """As many rows as were counted at first are no proof: here two came in as two without a key were passed over."""
    rows = rows_of(*(key(10 * n) for n in range(25)), None, None)
    added = [Row((f"added {n}",), (key(10 * n + 5),)) for n in (20, 21)]

    def change(org, number):
        org.rows = rows + added if number > 1 else rows

    taken = taken_from(Org(rows, nulls_last=True, change=change))

    assert sorted(map(str, taken)) == sorted(map(str, rows + added))


@pytest.mark.parametrize("counted", [30, None])
def test_slices_fail_when_rows_without_a_key_may_be_missing_and_cannot_be_requested(counted):
    """Neither a count nor a result shows that there are none."""
    org = Org(rows_of(*(key(n) for n in range(25))), counts=False)
    run = org.run

    def refuse_blanks(cut):
        if cut.is_blank:
            raise ReportError(ErrorKind.INVALID, "not that filter", permanent=True)
        return run(cut)

    first = Page(run(Cut()).rows, is_last=False, row_count=counted)

    with pytest.raises(ReportError, match="without a record id") as caught:
        list(Slices(refuse_blanks).rows(first))

    assert caught.value.kind is ErrorKind.TRUNCATED


def test_slices_continue_when_the_last_row_of_a_slice_is_removed():
    """The rows before it prove that the filter works."""
    rows = rows_of(*(key(n) for n in range(30)))

    def change(org, number):
        org.rows = rows[:9] + rows[10:] if number > 1 else rows

    taken = taken_from(Org(rows, change=change))

    assert taken == rows[:9] + rows[10:]


def test_slices_fail_when_the_filter_skips_rows():
    """A filter coarser than the order would lose rows without a sign: the missing overlap shows it."""
    org = Org(rows_of(*(key(n) for n in range(30))))
    org.admits = lambda row, cut: cut.after is None or int(row.keys[0][9:15]) > int(cut.after[9:15]) + 5

    with pytest.raises(ReportError, match="missing between two slices") as caught:
        taken_from(org)

    assert caught.value.kind is ErrorKind.TRUNCATED
    assert not caught.value.is_retryable


def test_slices_fail_when_rows_come_unsorted():
    """If the requested order is not kept, the last row means nothing."""
    org = Org(rows_of(*(key(n) for n in (3, 1, 2))))

    with pytest.raises(ReportError, match="not in the requested order"):
        list(Slices(org.run).rows(Page(org.rows, is_last=False)))


def test_slices_fail_when_an_excluded_row_comes_again():
    """A filter that is not obeyed would give rows twice."""
    org = Org(rows_of(*(key(n) for n in range(30))))
    org.admits = lambda row, cut: True

    with pytest.raises(ReportError, match="not in the requested order"):
        taken_from(org)


def test_slices_fail_when_more_rows_share_a_key_than_fit():
    """The rest of them cannot be requested."""
    with pytest.raises(ReportError, match="share the record id"):
        taken_from(Org(rows_of(*[key(1)] * 30)))


def test_slices_request_rows_without_a_key_when_rows_are_missing():
    """An org that sorts empty ids last never shows them to `greaterThan`."""
    rows = rows_of(*(key(n) for n in range(25)), None, None)
    org = Org(rows, nulls_last=True)

    assert sorted(map(str, taken_from(org))) == sorted(map(str, rows))
    assert org.cuts[-1].is_blank


def test_slices_accept_ids_in_either_order_of_letters_but_not_in_both():
    """Upper case before lower case, or letters without case: one of the two, all the time."""
    ids = ["500000000000B00AAA", "500000000000a00AAA"]
    by_code_point, without_case = ids, ids[::-1]

    assert list(Slices(lambda cut: None).rows(Page(rows_of(*by_code_point), is_last=True)))
    assert list(Slices(lambda cut: None).rows(Page(rows_of(*without_case), is_last=True)))
    with pytest.raises(ReportError):
        list(Slices(lambda cut: None).rows(Page(rows_of(*by_code_point, "500000000000A00AAA"), is_last=True)))


def test_slices_by_texts_fail_when_a_text_is_of_another_form():
    """Texts have as many orders as languages; only texts that all of them sort alike may be keys."""
    rows = rows_of("000001", "000002", "Zürich")

    with pytest.raises(ReportError, match="different forms"):
        list(Slices(lambda cut: None, is_text=True).rows(Page(rows, is_last=True)))


def test_best_key_is_the_one_without_repetitions():
    """Of several id columns, the one of the rows' own records distinguishes all rows."""
    rows = [Row(("x",), (key(1), key(n), None)) for n in range(5)]

    assert best_key(rows, 3) == 1
