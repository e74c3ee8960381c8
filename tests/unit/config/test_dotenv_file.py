"""`.env` is read literally and changes no environment."""

import os

import pytest

from sfr.config.dotenv_file import read_env_file
from sfr.config.dotenv_lines import LINE_SHAPES
from sfr.config.load import load_config
from sfr.errors import ConfigurationError
from sfr.shapes import first_shape


def test_read_env_file_reads_values_literally(tmp_path):
    """`$` is not special; quotes keep `#` and whitespace; later lines win; a byte order mark is skipped."""
    file = tmp_path / "a.env"
    file.write_bytes(
        b"\xef\xbb\xbfA=pa${HOME}ss$1\nB='a #b '\nC=\"x\\ny\"\nexport D=d\nE\nF=\n# G=g\nH=one\nH=two\nI=x#y\n"
    )

    env = read_env_file(str(file))

    assert env.values == {
        "A": "pa${HOME}ss$1", "B": "a #b ", "C": "x\ny", "D": "d", "F": "", "H": "two", "I": "x#y",
    }  # fmt: skip
    assert env.path == str(file)
    assert "A" not in os.environ or os.environ["A"] != "pa${HOME}ss$1"


def test_read_env_file_is_empty_when_default_is_missing(tmp_path, monkeypatch):
    """Nobody has to have a `.env`."""
    monkeypatch.chdir(tmp_path)

    assert read_env_file(None).values == {}
    assert read_env_file(None).path is None


def test_read_env_file_reads_default_of_working_directory(tmp_path, monkeypatch):
    """`.env` is used without being named."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("A=1\n")

    assert read_env_file(None).values == {"A": "1"}


@pytest.mark.parametrize("name", ["none.env", "latin.env", "directory", "nul\0.env"])
def test_read_env_file_raises_when_named_file_cannot_be_read(tmp_path, name):
    """A named file has to exist, and be text."""
    (tmp_path / "latin.env").write_bytes(b"A=1\nB=\xe9\n")
    (tmp_path / "directory").mkdir()

    with pytest.raises(ConfigurationError):
        read_env_file(str(tmp_path / name))


def test_read_env_file_warns_of_line_that_it_cannot_understand(tmp_path):
    """A quote left open would otherwise swallow a variable without a word; the line itself is not quoted."""
    file = tmp_path / "a.env"
    file.write_text("A=1\nB='hunter2\nC=3\n")

    env = read_env_file(str(file))

    assert [warning.replace(str(file), "a.env") for warning in env.warnings] == [
        "a.env:2: is ignored: its quote (`'`) is not closed; expected NAME=value, with closed quotes"
    ]


#: A line → words of the reason for which it is ignored.
IGNORED = {
    "NAME='hunter2": "not closed",
    'NAME="hunter2': "not closed",
    "NAME: hunter2": "colon",
    '"NAME": "hunter2",': "colon",
    "NAME := hunter2": "more than `=`",
    "set NAME=hunter2": "Windows",
    "setx NAME hunter2": "Windows",
    '$env:NAME = "hunter2"': "PowerShell",
    "setenv NAME hunter2": "command",
    "declare -x NAME=hunter2": "command",
    "- NAME=hunter2": "dash",
    "$NAME=hunter2": "starts with `$`",
    '"NAME"=hunter2': "name is in quotes",
    "NAME='hunter'2": "after the closing quote",
    "export NAME": "`export` without `=`",
    "NAME": "no `=`",
    "NAME hunter2": "no `=`",
    "NAME\u200b=hunter2": "U+200B ZERO WIDTH SPACE",
}


@pytest.mark.parametrize(("line", "reason"), IGNORED.items(), ids=ascii)
def test_read_env_file_knows_which_line_names_a_variable_that_it_does_not_set(tmp_path, line, reason):
    """Its number and what is wrong with it, not what it holds."""
    file = tmp_path / "a.env"
    file.write_text(f"# first\n\n{line}\nOTHER=1\n")

    env = read_env_file(str(file))

    hint = env.hint_about("NAME").replace(str(file), "a.env")
    assert hint.startswith(" (a.env:3 names it, but is ignored: ")
    assert reason in hint
    assert "hunter2" not in hint + "".join(env.warnings)
    assert env.values["OTHER"] == "1"


@pytest.mark.parametrize("shape", LINE_SHAPES, ids=lambda shape: shape.what[:40])
def test_every_shape_of_ignored_lines_has_an_example(shape):
    """No entry is hidden by another."""
    assert shape in [first_shape(LINE_SHAPES, line) for line in IGNORED]


def test_read_env_file_knows_lines_within_the_quotes_of_another(tmp_path):
    """A quote that is closed by the next line's."""
    file = tmp_path / "a.env"
    file.write_text('A="one\nNAME=hunter2\nB=two"\n')

    hint = read_env_file(str(file)).hint_about("NAME")

    assert "a.env:2 names it" in hint
    assert "quotes opened in line 1" in hint


def test_read_env_file_lists_ignored_lines_where_none_names_the_variable(tmp_path):
    """Nothing about them is certain but the number."""
    file = tmp_path / "a.env"
    file.write_text("A=1\nB: 2\n")

    assert read_env_file(str(file)).hint_about("NAME").endswith("a.env: line 2)")
    assert read_env_file(str(file)).hint_about("B").count("names it") == 1


def test_read_env_file_decodes_escapes_within_double_quotes_only(tmp_path):
    """As docs/configuration.md says: single quotes, or none, keep a backslash."""
    file = tmp_path / "a.env"
    file.write_text("A=\"a\\tb\\\\n\"\nB='a\\tb\\\\n'\nC=a\\tb\\\\n\n")

    assert read_env_file(str(file)).values == {"A": "a\tb\\n", "B": "a\\tb\\n", "C": "a\\tb\\\\n"}


def test_read_env_file_fills_in_the_home_directory(tmp_path, monkeypatch):
    """`--env-file=~/x`, which no shell expands."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.env").write_text("A=1\n")

    assert read_env_file("~/a.env").values == {"A": "1"}
    with pytest.raises(ConfigurationError, match="--env-file: expected a path without `"):
        read_env_file("$HOME/a.env")


def test_read_env_file_says_that_a_file_is_utf_16(tmp_path):
    """As PowerShell's `>` writes it."""
    (tmp_path / "a.env").write_bytes("A=1\n".encode("utf-16"))

    with pytest.raises(ConfigurationError, match="UTF-16"):
        read_env_file(str(tmp_path / "a.env"))


def load_with(directory, environ=None, config="conf/prod.yaml", **options):
    """The session id of a configuration that takes it from a variable."""
    path = directory / config
    path.parent.mkdir(exist_ok=True)
    path.write_text("salesforce: {domain: 'https://acme.my.salesforce.com', auth: {sid: {value: '${SFDC_SID}'}}}")
    return load_config(str(path), environ=environ or {}, **options).config.salesforce.auth.value.reveal()


def write_env(path, sid):
    """A private `.env` file."""
    path.write_text(f"SFDC_SID='{sid}'\n")
    path.chmod(0o600)


def test_env_file_of_the_configurations_name_comes_before_the_common_one(tmp_path, monkeypatch):
    """The environment first, then `.env.prod`, then `.env`."""
    monkeypatch.chdir(tmp_path)
    write_env(tmp_path / ".env", "common")
    assert load_with(tmp_path) == "common"
    write_env(tmp_path / ".env.prod", "own")
    assert load_with(tmp_path) == "own"
    assert load_with(tmp_path, config="conf/other.yaml") == "common"
    assert load_with(tmp_path, {"SFDC_SID": "environment"}) == "environment"


def test_named_env_file_stands_alone(tmp_path, monkeypatch):
    """With --env-file neither of the others is read."""
    monkeypatch.chdir(tmp_path)
    write_env(tmp_path / ".env", "common")
    write_env(tmp_path / ".env.prod", "own")
    write_env(tmp_path / "named", "named")
    assert load_with(tmp_path, env_file="named") == "named"


def test_env_file_is_looked_for_in_the_working_directory_only(tmp_path, monkeypatch):
    """Not beside the configuration."""
    (tmp_path / "conf").mkdir()
    write_env(tmp_path / "conf" / ".env.prod", "beside")
    write_env(tmp_path / ".env", "common")
    monkeypatch.chdir(tmp_path)
    assert load_with(tmp_path) == "common"


def test_readable_env_file_of_the_configurations_name_is_warned_about(tmp_path, monkeypatch):
    """As the common one is."""
    monkeypatch.chdir(tmp_path)
    write_env(tmp_path / ".env.prod", "own")
    (tmp_path / ".env.prod").chmod(0o644)
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf/prod.yaml"
    path.write_text("salesforce: {domain: 'https://acme.my.salesforce.com', auth: {sid: {value: '${SFDC_SID}'}}}")

    assert any(".env.prod" in text for text in load_config(str(path), environ={}).warnings)
