"""Record ids: checksum letters, both forms, ids made from numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.emulator.catalogue.ids import developer_name, full_id, named_id, numbered_id, numbered_id_frame, short_id


@pytest.mark.parametrize("known", ["00OD0000001ZbP7MAK", "00OE0000002wlroMAA", "00OR0000000K2UeMAK"])
def test_full_id_gives_the_known_checksum(known: str) -> None:
    """Real ids keep their letters."""
    assert full_id(known[:15]) == known
    assert short_id(known) == known[:15]


def test_short_id_is_none_when_the_checksum_is_wrong() -> None:
    """A damaged id is no id."""
    assert short_id("00OD0000001ZbP7MAJ") is None
    assert short_id("00OD0000001") is None


@given(st.integers(min_value=0, max_value=999_999_999))
def test_numbered_ids_differ_only_in_their_digits(number: int) -> None:
    """The frame around the row digits is the same for every number."""
    before, after = numbered_id_frame("500")
    assert numbered_id("500", number) == f"{before}{number:09d}{after}"


@given(st.text())
def test_named_ids_are_valid_and_stable(name: str) -> None:
    """Any name gives a valid id, always the same."""
    assert short_id(named_id("00O", name)) == named_id("00O", name)[:15]


@pytest.mark.parametrize(
    ("label", "name"),
    [("Deals by Stage", "Deals_by_Stage"), ("Service & Support", "Service_Support"), ("Umsätze 2026", "Ums_tze_2026"),
     ("売上", "X"), (" - ", "X")],
)  # fmt: skip
def test_developer_name_keeps_ascii_letters_and_digits(label: str, name: str) -> None:
    """Everything else becomes one underscore; a label without any of them still has a name."""
    assert developer_name(label) == name
