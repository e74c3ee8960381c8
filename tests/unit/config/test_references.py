"""References are filled in once, from the environment, then .env, then credential files."""

import pytest

from sfr.config.references import BrokenReferenceError, References
from sfr.storage.user_files import without_final_line_end

REFERENCES = References({"A": "env", "EMPTY": "", "TRICK": "${A}"}, {"A": "dotenv", "B": "b"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}", "env"),
        ("${B}", "b"),
        ("x${A}y${B}z", "xenvybz"),
        ("${NONE:-default}", "default"),
        ("${NONE:-}", ""),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY}", ""),
        ("${A:-default}", "env"),
        ("${NONE:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$${$${", "${${"),
        ("$A $ {A} a$", "$A $ {A} a$"),
        ("${TRICK}", "${A}"),
        ("plain", "plain"),
    ],
)
def test_fill_gives_the_value(text, expected):
    """Environment before .env, a default where the value is missing or empty, and nothing is filled in twice."""
    assert REFERENCES.fill(text).text == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("${A}", True), (" ${A}", False), ("${A}${A}", False), ("$${", False), ("a", False)]
)
def test_fill_returns_whether_the_whole_text_was_a_reference(text, expected):
    """Only then may the value be converted to a number."""
    assert REFERENCES.fill(text).is_reference is expected


def test_fill_names_the_variables_that_went_in():
    """They may have to leave the environment."""
    assert REFERENCES.fill("${A}${B}${EMPTY:-x}").variables == {"A": "env", "B": "b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${NONE}", "`${NONE}` is defined neither in the environment nor in the .env file"),
        ("${EMPTI}", "did you mean `EMPTY`?"),
        ("${A", "malformed reference"),
        ("${}", "malformed reference"),
        ("${1A}", "malformed reference"),
        ("${A-x}", "malformed reference"),
        ("${A:-${B}}", "malformed reference"),
        ("${A B}", "malformed reference"),
        ("${cred:NAME}", "$CREDENTIALS_DIRECTORY is not set"),
    ],
)
def test_fill_says_what_is_expected_when_reference_is_broken(text, expected):
    """A typing error is never taken for a literal."""
    with pytest.raises(BrokenReferenceError) as caught:
        REFERENCES.fill(text)

    assert expected in str(caught.value)


@pytest.mark.parametrize("half", [0xD800, 0xDCFF, 0xDFFF])
def test_fill_rejects_value_that_is_not_utf8(half):
    """Half a character would break every file and message it comes into."""
    with pytest.raises(BrokenReferenceError, match="not UTF-8"):
        References({"A": chr(half)}, {}).fill("${A}")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"x", "x"),
        (b" a\n\n", " a"),
        (b"\xef\xbb\xbfs3cret\r\n\r\n", "s3cret"),
        (b"two\nlines\n\n", "two\nlines\n"),
        (b'"', '"'),
        (b"it's", "it's"),
    ],
)
def test_fill_reads_credential_less_what_editors_put_around_it(tmp_path, content, expected):
    """A value of one line has no line end and no byte order mark; blanks may be part of it."""
    (tmp_path / "NAME").write_bytes(content)

    filled = References({"CREDENTIALS_DIRECTORY": str(tmp_path)}, {}).fill("${cred:NAME}")

    assert filled.text == expected
    assert filled.credentials == {str(tmp_path / "NAME"): expected}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("other", "expected LoadCredential=other:… in the unit"),
        ("sfdc_sid", "in the unit, or with SFR's own unit a file sid in /etc/sfr/credentials/NAME"),
    ],
)
def test_fill_says_where_a_missing_credential_belongs(tmp_path, name, expected):
    """SFR's own unit gives every file of a directory the prefix `sfdc_`."""
    with pytest.raises(BrokenReferenceError) as caught:
        References({"CREDENTIALS_DIRECTORY": str(tmp_path)}, {}).fill(f"${{cred:{name}}}")

    assert str(caught.value).endswith(expected)


def test_fill_rejects_credential_that_is_larger_than_any_secret(tmp_path):
    """A million bytes are taken, one more is some other file."""
    references = References({"CREDENTIALS_DIRECTORY": str(tmp_path)}, {})
    (tmp_path / "NAME").write_bytes(b"x" * 1_000_000)
    assert len(references.fill("${cred:NAME}").text) == 1_000_000
    (tmp_path / "NAME").write_bytes(b"x" * 1_000_001)

    with pytest.raises(BrokenReferenceError, match="larger than 1,000,000 bytes"):
        references.fill("${cred:NAME}")


@pytest.mark.parametrize("name", ["../NAME", "..", ".", "", "a/b", "/etc/passwd", "\0", "none", "directory", "latin"])
def test_fill_rejects_credential_that_is_no_file_of_the_directory(tmp_path, name):
    """The name is one path component of a readable UTF-8 file."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "latin").write_bytes(b"\xe9")

    with pytest.raises(BrokenReferenceError, match="cred:"):
        References({"CREDENTIALS_DIRECTORY": str(tmp_path)}, {}).fill(f"${{cred:{name}}}")


def test_without_final_line_end_removes_one():
    """One line end belongs to the file; more belong to the value."""
    assert [without_final_line_end(text) for text in ("a", "a\n", "a\r\n", "a\r", "a\n\n")] == [
        "a",
        "a",
        "a",
        "a\r",
        "a\n",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b'"s3cret"\n', "contains quotes"), (b"'s3cret'", "contains quotes"), ("s3cret".encode("utf-16"), "UTF-16")],
)
def test_fill_rejects_credential_that_would_be_sent_with_more_than_it_is(tmp_path, content, words):
    """Salesforce would only say that the credentials are wrong; the file is named, its content is not."""
    (tmp_path / "NAME").write_bytes(content)

    with pytest.raises(BrokenReferenceError, match=words) as caught:
        References({"CREDENTIALS_DIRECTORY": str(tmp_path)}, {}).fill("${cred:NAME}")

    assert str(tmp_path / "NAME") in str(caught.value)
    assert "s3cret" not in str(caught.value)
