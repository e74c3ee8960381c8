"""The YAML file is read strictly, with line numbers, and no error text quotes it."""

import tracemalloc

import pytest

from sfr.config.nodes import YamlMapping, YamlScalar, plain_value
from sfr.config.problems import Problems
from sfr.config.yaml_file import MAX_ALIASES, MAX_FILE_BYTES, read_yaml
from sfr.errors import ConfigurationError


@pytest.fixture
def read(tmp_path):
    """Reads bytes as a file; returns the mapping, or the problems as one text."""

    def read_bytes(content):
        file = tmp_path / "a.yaml"
        file.write_bytes(content)
        problems = Problems(str(file))
        node = read_yaml(problems)
        try:
            problems.raise_any()
        except ConfigurationError as error:
            return str(error).replace(str(file), "a.yaml")
        return node

    return read_bytes


def bomb(levels, width):
    """Aliases of aliases: small to write, width ** levels when expanded."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: 2\na: 3\n", "a.yaml:3: duplicate key 'a'; the first is in line 1"),
        (b"a:\n\tb: 1\n", "a.yaml:2: found character that cannot start any token; indent with spaces, not with tabs"),
        (b"", "a.yaml: is empty; expected at least `salesforce.domain` and `salesforce.auth`"),
        (b"# only a comment\n", "a.yaml: is empty; expected at least `salesforce.domain` and `salesforce.auth`"),
        (b"- a\n", "a.yaml:1: expected a mapping with keys such as `salesforce:`"),
        (b"text", "a.yaml:1: expected a mapping with keys such as `salesforce:`"),
        (b"a: 1\n---\nb: 2\n", "a.yaml:2: contains several documents (`---`); expected one"),
        (b"a: 1\nb: !!python/object/apply:os.getcwd []", "a.yaml:2: tags (`!…`) are not supported; quote a value"),
        (b"a: 1\nb: \xe9\n", "a.yaml:2: is not UTF-8 text (byte 0xe9); save it as UTF-8"),
        ("a: 1".encode("utf-16"), "a.yaml:1: is not UTF-8 text (byte 0xff); save it as UTF-8"),
        (b"a: 1\nb: \x07", "a.yaml:2: the character U+0007 is not allowed in YAML; remove it"),
        (b'a: "\\ud800"', "a.yaml:1: half of a surrogate pair"),
        (b"a: {value: ${SFDC_SID}}", 'a reference needs quotes: "${NAME}"'),
        (b"? [a]\n: b", "a.yaml:1: a list or mapping cannot be a key; expected a name"),
        (b"a: [1", "a.yaml:1: "),
        (b"[" * 5000, "a.yaml:1: nested more than 20 levels deep"),
        (b"a: &a [*a]", "a.yaml:1: aliases repeat too much; write the values out"),
        (bomb(9, 10), "a.yaml:1: aliases repeat too much; write the values out"),
        (bomb(3, MAX_ALIASES), f"more than {MAX_ALIASES} aliases; write the values out"),
        (b"#" * (MAX_FILE_BYTES + 1), "a.yaml: is larger than 1,000,000 bytes; expected a YAML configuration"),
        (b"a: {<<: 5}", "a.yaml:1: `<<` requires an alias of a mapping, or a list of them"),
    ],
)
def test_read_yaml_says_what_is_wrong_when_file_is_refused(read, content, expected):
    """Each way to be no configuration has its own sentence, with the line."""
    assert expected in read(content)


BOMBS = {
    "aliases of aliases": bomb(30, 10),
    "wide aliases of aliases": bomb(5, 90),
    "merges of merges": b"a0: &a0 {k: v}\n"
    + b"".join(b"a%d: &a%d {<<: [%s]}\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 30)),
    "alias of itself": b"a: &a {b: [*a, *a, *a], <<: *a}",
    "deep": b"a: " + b"{a: " * 100_000,
    "deep in blocks": b"\n".join(b" " * n + b"a:" for n in range(1000)),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", BOMBS)
def test_read_yaml_refuses_a_bomb_at_little_cost(read, name):
    """Aliases are counted before they are expanded, levels before they are entered."""
    tracemalloc.start()
    try:
        answer = read(BOMBS[name])
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(answer, str)
    assert len(answer) < 1000
    assert peak_bytes < 30_000_000


def test_read_yaml_says_why_when_file_is_missing(tmp_path):
    """A file that cannot be read is a problem, not a traceback."""
    problems = Problems(str(tmp_path / "none.yaml"))

    assert read_yaml(problems) is None
    with pytest.raises(ConfigurationError, match=r"none.yaml: cannot be read: No such file or directory; expected"):
        problems.raise_any()


@pytest.mark.parametrize(
    "content",
    [
        b"p: *hunter2secret",
        b"p: &hunter2secret a\nq: &hunter2secret b\n*x",
        b"p: 'hunter2secret'x'",
        b"p: !h <hunter2secret> a",
    ],
)
def test_read_yaml_quotes_no_text_of_the_file_when_syntax_is_wrong(read, content):
    """What is next to a syntax error may be a password."""
    assert "hunter2" not in read(content)


def test_read_yaml_accepts_byte_order_mark_and_crlf(read):
    """Files saved on Windows are fine."""
    assert read(b"\xef\xbb\xbfa: 1\r\nb: x\r\n") == YamlMapping(
        1, (("a", 1, YamlScalar(1, "1", 1)), ("b", 2, YamlScalar(2, "x", "x")))
    )


def test_read_yaml_expands_aliases_and_merge_keys(read):
    """What a mapping says itself comes before what it merges."""
    node = read(b"base: &base {a: 1, b: 2}\nmine: {<<: *base, b: 3}\n")

    mine = {key: value.value for key, _, value in node.pairs[1][2].pairs}
    assert mine == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "12:30", "017", "0x1F", "1_000", ".inf", "2026-01-01", "1e999", "01"]
)
def test_plain_value_stays_a_text_when_only_yaml_1_1_would_convert_it(text):
    """No value becomes one that nobody meant."""
    assert plain_value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", 1), ("-3", -3), ("0.5", 0.5), ("1e3", 1000.0), ("true", True), ("False", False), ("~", None), ("", None)],
)
def test_plain_value_converts_what_everybody_means(text, expected):
    """Decimal numbers, true, false and null."""
    value = plain_value(text)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("content", [b"%0\r", b"%", b"'", b'"a: b\n', b"a: [\n"])
def test_read_yaml_explains_a_mistake_at_the_very_end(read, content):
    """The parser's mark may be behind the last line."""
    assert "a.yaml:1: " in read(content)
