"""YAML's syntax errors, by the sign that makes them: the line, what it is, what to do, and nothing of the value."""

import pytest

from sfr.config.problems import Problems
from sfr.config.yaml_file import read_yaml
from sfr.errors import ConfigurationError

#: Text → the line, and words of the message. `hunter2` stands for a password.
REFUSED = {
    "a:\n  password: @hunter2\n": (2, "begins with `@`"),
    "password: `hunter2\n": (1, "begins with ```"),
    "password: %hunter2\n": (1, "begins with `%`"),
    "password: *hunter2\n": (1, "begins with `*`"),
    "password: *hun!ter2\n": (1, "begins with `*`"),
    "password: &hunter2\n": (1, "`&`"),
    "password: &hunter2 x\n": (1, "`&`"),
    "password: &\n": (1, "begins with `&`"),
    "password: !hunter2\n": (1, "tags"),
    "password: |hunter2\n": (1, "begins with `|`"),
    "password: >hunter2\n": (1, "begins with `>`"),
    "password: {hunter2\nb: c\n": (1, "bracket that opens in this line"),
    "a: 1\npassword: [hunter2\n": (2, "bracket that opens in this line"),
    "password: ]hunter2\n": (1, "begins with `]`"),
    "password: }hunter2\n": (1, "begins with `}`"),
    "password: ,hunter2\n": (1, "begins with `,`"),
    "password: - hunter2\n": (1, "begins with `-`"),
    "password: ? hunter2\n": (1, "begins with `?`"),
    "sid: {value: @hunter2}\n": (1, "begins with `@`"),
    "sid: {file: a, value: !hunter2}\n": (1, "begins with `!`"),
    "sid: {value: |hunter2}\n": (1, "begins with `|`"),
    "sid: {value: >hunter2, file: a}\n": (1, "begins with `>`"),
    "a: 1\npassword: 'hunter2\nb: 2\nc: 3\n": (2, "quote that opens in this line is not closed"),
    'password: "hunter2\n': (1, "quote that opens in this line is not closed"),
    'password: "hunter\\2"\n': (1, "backslash"),
    "password: 'it's hunter2'\n": (1, "closing quote"),
    'password: "hunter"2\n': (1, "closing quote"),
    "password: hunter2: x\n": (1, "colon and a blank"),
    "password:hunter2\nb: c\n": (2, "no blank after its colon"),
    "a:\n  b: 1\n c: 2\n": (3, "indentation"),
    "a:\n\u00a0\u00a0b: 1\n": (2, "U+00A0 NO-BREAK SPACE"),
    "a:\n  b: 1\n\u00a0 c: 2\n": (3, "U+00A0 NO-BREAK SPACE"),
    "a:\n\u3000b: 1\n": (2, "U+3000 IDEOGRAPHIC SPACE"),
    "a:\n  b:\u00a0hunter2\n  c: d\n": (2, "U+00A0 NO-BREAK SPACE"),
    "a: 1\n\u200bb: 2\n": (2, "U+200B ZERO WIDTH SPACE"),
    "a: |\n  x\u00a0y\nb: @hunter2\n": (3, "begins with `@`"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=ascii)
def test_read_yaml_explains_a_syntax_error_by_what_the_line_holds(tmp_path, text, expected):
    """Instead of the parser's words about tokens and alphabetic characters."""
    (tmp_path / "a.yaml").write_text(text)
    problems = Problems(str(tmp_path / "a.yaml"))

    read_yaml(problems)
    with pytest.raises(ConfigurationError) as caught:
        problems.raise_any()

    line, words = expected
    (problem,) = caught.value.problems
    assert f"a.yaml:{line}: " in problem
    assert words in problem
    assert "hunter2" not in problem


def test_read_yaml_takes_characters_that_cannot_be_seen_within_texts(tmp_path):
    """A block of text is whatever it is; options judge their own values."""
    (tmp_path / "a.yaml").write_text("soql: |\n  SELECT Id\n  \u00a0FROM X\nused: [&x one, *x]\n")
    problems = Problems(str(tmp_path / "a.yaml"))

    assert read_yaml(problems) is not None
    problems.raise_any()
