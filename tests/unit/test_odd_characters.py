"""Characters that nobody sees: all of them are found, and none where it has a meaning."""

import sys
import unicodedata

import pytest

from sfr.odd_characters import ODD_RANGES, describe_character, odd_character, without_odd_characters


@pytest.mark.parametrize("odd_range", ODD_RANGES, ids=lambda each: f"U+{each.first:04X}")
def test_odd_character_finds_every_range_of_the_table_in_a_latin_name(odd_range):
    """At the beginning, in the middle but for the wide blank, and at the end."""
    for code in (odd_range.first, odd_range.last):
        character = chr(code)

        assert odd_character(f"Pipeline{character}") == character
        assert odd_character(f"{character}Pipeline") == character
        assert character == "\u3000" or odd_character(f"Pipe{character}line") == character


def test_odd_character_finds_all_blanks_and_format_characters_that_unicode_knows():
    """The table is complete: what Python's database calls a separator, a control or a format character is in it."""
    visible_signs = set(range(0x600, 0x606)) | {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    hieroglyphs = set(range(0x13430, 0x13440))

    missed = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Zs", "Zl", "Zp", "Cc", "Cf")
        and code not in {0x20} | visible_signs | hieroglyphs
        and odd_character(f"a{chr(code)}") is None
    ]

    assert missed == []


@pytest.mark.parametrize(
    "name",
    [
        "Open Pipeline",
        "می\u200cشود",
        "👨\u200d👩\u200d👧 Familien",
        "Deals ✔\ufe0f",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3 Region",
        "葛\U000e0100城",
        "売上\u3000レポート",
        "Ünïcödé – «gut»",
        "क्\u200dष",
        "한국어",
    ],
)
def test_odd_character_finds_nothing_in_ordinary_names(name):
    """Joiners of Persian, Hindi and emoji, variants, the wide blank between words."""
    assert odd_character(name) is None


def test_odd_character_finds_joiners_where_they_join_nothing():
    """At an end, after Latin letters, twice."""
    for name in ("می\u200c", "a\u200db", "\u200d👧", "👨\u200d\u200d👩", "a\ufe0f"):
        assert odd_character(name) is not None


def test_describe_character_gives_code_point_and_name():
    """Both can be searched for."""
    assert describe_character("\u200b") == "U+200B ZERO WIDTH SPACE"
    assert describe_character("\x07").startswith("U+0007 ")
    assert describe_character("\ufff0").startswith("U+FFF0 ")


def test_without_odd_characters_leaves_what_is_seen():
    """Blanks of any kind become one kind, the rest goes."""
    assert without_odd_characters("a\xa0b\u200b\u3164c\u2003d") == "a bc d"
