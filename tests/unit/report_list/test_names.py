"""Names of report files: what is refused, what is doubted, and what two names have in common."""

import pytest

from sfr.report_list.names import check_directory, check_name, folded, lookalike, safe_name
from sfr.report_list.suspicious_names import SUSPICIOUS_NAMES, name_warnings
from sfr.shapes import first_shape
from sfr.wording import quoted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Pipeline\u200b", "ends with U+200B ZERO WIDTH SPACE"),
        ("Pipeline\xa0", "ends with U+00A0 NO-BREAK SPACE"),
        ("Pipe\u00adline", "contains U+00AD SOFT HYPHEN"),
        ("\u3164", "U+3164 HANGUL FILLER"),
        ("\u202ecod", "begins with U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u2800b", "contains U+2800 BRAILLE PATTERN BLANK"),
        ("a\u2003b", "contains U+2003 EM SPACE"),
        ("a\u3000", "ends with U+3000 IDEOGRAPHIC SPACE"),
        ("a \xa0b", "contains U+00A0 NO-BREAK SPACE"),
        ("Pipeline\u202f", "ends with U+202F NARROW NO-BREAK SPACE"),
        ("Pipeline ", "begins or ends with a space"),
    ],
)
def test_check_name_names_the_character_that_cannot_be_seen(name, expected):
    """By code point and name, with its position."""
    with pytest.raises(ValueError, match=r"U\+|space") as caught:
        check_name(name, "csv")

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("name", "ending", "without"),
    [
        ("Pipeline.csv", "csv", "'Pipeline'"),
        ("Pipeline.CSV", "csv", "'Pipeline'"),
        ("Pipeline.csv.gz", "csv.gz", "'Pipeline'"),
        ("Pipeline.csv", "csv.gz", "'Pipeline'"),
        ("Pipeline.gz", "csv.gz", "'Pipeline'"),
        ("v1.parquet", "parquet", "'v1'"),
    ],
)
def test_check_name_refuses_the_ending_that_the_file_gets_anyway(name, ending, without):
    """`Pipeline.csv.csv` is nobody's wish; the name to write is in the message."""
    with pytest.raises(ValueError, match="already") as caught:
        check_name(name, ending)

    assert without in str(caught.value)


@pytest.mark.parametrize(
    ("name", "ending"), [("v1.csv", "parquet"), ("csv", "csv"), (".csv", "csv"), ("a.csvx", "csv"), ("v1.2", "csv")]
)
def test_check_name_takes_dots_that_are_no_ending_of_its_format(name, ending):
    """Versions, other formats, the bare word."""
    check_name(name, ending)


#: Name → words of the warning.
DOUBTED = {
    "v1.csv": "extension",
    "Pipeline.XLSX": "extension",
    "AT&amp;T": "HTML",
    "Q&#38;A": "HTML",
    "Open%20Pipeline": "URL",
    "M%C3%BCnchen": "URL",
    "Sales %Y-%m": "{run_date",
    "Sales %d%m": "{run_date",
    "Sales $DATE": "variable",
    "%USERNAME% sales": "variable",
    "Prévisions\u00a0: été": "no-break space",
    "Quoi de neuf\u202f!": "no-break space",
}


@pytest.mark.parametrize(("name", "expected"), DOUBTED.items())
def test_doubts_about_name_says_what_the_file_will_be_called(name, expected):
    """One sentence, with the name as it will be, and the name is taken."""
    if expected != "extension":
        check_name(name, "parquet")
    (doubt,) = name_warnings(name, "parquet")

    assert expected in doubt
    assert quoted(f"{name}.parquet") in doubt


@pytest.mark.parametrize("shape", SUSPICIOUS_NAMES, ids=lambda shape: shape.what[:40])
def test_every_shape_of_odd_names_has_an_example(shape):
    """No entry is hidden by another."""
    assert shape in [first_shape(SUSPICIOUS_NAMES, name) for name in DOUBTED]


@pytest.mark.parametrize("name", ["Pipeline", "50% of quota", "US$ deals", "A&B; C", "v1.2", "100%", "a~b", "R&D"])
def test_doubts_about_name_says_nothing_about_plain_names(name):
    """Percent signs and ampersands are ordinary."""
    assert list(name_warnings(name, "csv")) == []


def test_folded_and_lookalike_match_what_people_take_for_one():
    """Case, composition and joiners are one name; width and style look like one."""
    assert folded("STRASSE") == folded("straße")
    assert folded("می\u200cشود") == folded("میشود")
    assert folded("ＡＢ") != folded("AB")
    assert lookalike("ＡＢ") == lookalike("ab")
    assert lookalike("ﬁle") == lookalike("file")


def test_safe_name_gives_what_check_name_takes():
    """No blank but the ordinary one, nothing that cannot be seen, no ending of a format."""
    assert safe_name("a\xa0b\u200b.csv") == "a b"
    assert safe_name("Leads.csv.gz ") == "Leads"
    assert safe_name("\u3164\u200b") == ""
    assert safe_name("می\u200cشود") == "می\u200cشود"


def test_check_directory_says_why_it_takes_no_other_system_s_path():
    """The text, and what is expected."""
    with pytest.raises(ValueError, match=r"'\$HOME/reports' is not a valid path; expected"):
        check_directory("$HOME/reports")
