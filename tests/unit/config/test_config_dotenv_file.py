"""`.env` is read literally and changes no environment."""

import os

import pytest

from sfr.config.dotenv_file import read_env_file
from sfr.errors import ConfigurationError


def test_read_env_file_takes_values_literally(tmp_path):
    """`$` means nothing; quotes keep `#` and blanks; later lines win; a byte order mark is passed over."""
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
    """A file that was asked for has to be there, and text."""
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
