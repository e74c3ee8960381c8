"""Texts become paths in one place: `~` is filled in, and what would become a name of that very form is refused."""

import os

import pytest

from sfr.options.path_text import NOT_PATHS, absolute_path, expand_path
from sfr.shapes import first_shape

#: Text → words of what is expected in its place.
REFUSED = {
    "smb://server/share": "URL",
    "file:///data/reports": "URL",
    "s3://bucket/reports": "URL",
    "C:\\reports": "drive",
    "d:/reports": "drive",
    "C:": "drive",
    "\\\\server\\share": "mount",
    "//server/share": "mount",
    "$HOME/reports": "`${NAME}`",
    "${HOME}/reports": "`${NAME}`",
    "data/$USER": "`${NAME}`",
    "reports/$(date +%F)": "`${NAME}`",
    "%USERPROFILE%": "Windows",
    "%ProgramFiles(x86)%\\reports": "Windows",
    "reports/`date`": "backquotes",
    "reports/%Y/%m": "{run_date",
    "reports/%d-%m": "{run_date",
    "output/{run_date}": "report lists and destinations only",
    "reports\\sales": "backslashes",
    "My\\ Reports": "backslashes",
    '"reports"': "quotes",
    "'reports'": "quotes",
    "“reports”": "quotes",
    "output/~/reports": "`~` only at its start",
    "reports ": "whitespace",
    " reports": "whitespace",
    "reports\u200b": "U+200B ZERO WIDTH SPACE",
    "re\xa0ports": "U+00A0 NO-BREAK SPACE",
    "re\u00adports/x": "U+00AD SOFT HYPHEN",
    "re\nports": "control characters",
    "~nobody-by-this-name/x": "user of this machine",
    "~+/x": "user of this machine",
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=ascii)
def test_expand_path_rejects_what_is_a_path_elsewhere_only(text, expected):
    """Each with the reason; the text itself, which may be a secret's, is not in it."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        expand_path(text)

    assert expected in str(caught.value)


@pytest.mark.parametrize("shape", NOT_PATHS, ids=lambda shape: shape.what[:40])
def test_every_shape_of_the_table_is_the_first_to_fit_some_text(shape):
    """No entry is hidden by another."""
    firsts = [first_shape(NOT_PATHS, text) for text in REFUSED]

    assert shape in firsts


@pytest.mark.parametrize(
    "text",
    [
        "reports", "./~x", "reports/US$", "100%", "a%20b", "x:y/z", "///data", "What?", "a b/c d", "a'b",
        "/run/credentials/sfr@a\\x2db.service/key", "/dev/stdin", "Berichte/Köln", "売上/レポート", "a-$5",
    ],
)  # fmt: skip
def test_absolute_path_accepts_everything_else(text):
    """Odd names are names."""
    assert absolute_path(text) == os.path.abspath(text)


def test_expand_path_fills_in_the_home_directory(monkeypatch):
    """Of this user, and of any other."""
    monkeypatch.setenv("HOME", "/home/me")

    assert expand_path("~") == "/home/me"
    assert expand_path("~/reports") == "/home/me/reports"
    assert expand_path("~root/reports") == os.path.expanduser("~root") + "/reports"
    assert expand_path("reports/x~") == "reports/x~"
