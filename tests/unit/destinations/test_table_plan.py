"""How the columns of a report meet those of its table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.destinations.table_plan import TableColumn, key_places, plan_table
from sfr.destinations.table_sql import TableSql, quoted_name
from sfr.errors import DeliveryError

NAMES = st.lists(st.sampled_from(["id", "name", "Name", "amount", "sfr_date", 'odd"name']), unique=True, min_size=1)


@given(NAMES, st.none() | NAMES, st.sampled_from(["replace", "append", "merge"]), st.booleans())
def test_every_report_column_has_a_place_and_no_table_column_is_lost(
    names: list[str], existing: list[str] | None, mode: str, folds_case: bool
) -> None:
    """The table has all its old columns, and those of the report."""
    if mode == "append" and "sfr_date" in names:
        return
    table = None if existing is None else [TableColumn(name, "text") for name in existing]
    plan = plan_table(names, table, mode, [0] if mode == "merge" else [], folds_case=folds_case, max_columns=100)

    assert [placed.source for placed in plan.placed] == list(range(len(names)))
    assert (plan.date is not None) == (mode == "append")
    had = set(existing or ())
    assert {column.name for column in plan.absent} == had - {placed.column.name for placed in plan.placed} - (
        {plan.date.name} if plan.date else set()
    )
    assert not had & set(plan.add)


def test_statements_quote_every_name() -> None:
    """A quote in a name ends nothing."""
    plan = plan_table(['a"b'], None, "append", [], folds_case=False, max_columns=10)
    sql = TableSql(quoted_name('t"x'), plan, "2026-11-28")

    assert sql.prepare() == ['CREATE TABLE "t""x" ("a""b" text, "sfr_date" text)']
    assert sql.delete() == 'DELETE FROM "t""x" WHERE "sfr_date" = \'2026-11-28\''
    assert sql.insert() == 'INSERT INTO "t""x" ("a""b", "sfr_date") SELECT s.c1, \'2026-11-28\' FROM sfr_stage s'


def test_columns_that_the_database_fills_itself_are_left_alone() -> None:
    """An identity, a default or NOT NULL: no NULL is written there, and there is no warning."""
    table = [TableColumn("id", "text"), TableColumn("number", "integer", is_text=False, is_plain=False)]
    plan = plan_table(["id", "name"], table, "merge", [0], folds_case=False, max_columns=10)

    assert plan.warning == ""
    assert "number" not in TableSql("t", plan, "").update()


def test_key_is_found_by_label_or_name() -> None:
    """A missing one is named."""
    assert key_places(["Account Id", "name"], ["Account Id", "Name"], ["account_id", "name"]) == (0, 1)
    with pytest.raises(DeliveryError, match="'x'"):
        key_places(["x"], ["A"], ["a"])


def test_plan_refuses_more_columns_than_the_database_takes() -> None:
    """Those that the table has already count, too."""
    with pytest.raises(DeliveryError, match="3 columns"):
        plan_table(["a", "b"], [TableColumn("c", "text")], "replace", [], folds_case=False, max_columns=2)
