"""`sfr init` as a newcomer has it: on a real terminal and without one, against an embedded org."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfr.emulator import Emulator
from sfr.emulator.log_in.credentials import Credentials

pexpect = pytest.importorskip("pexpect")
if not hasattr(pexpect, "spawn"):
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

PROGRAM = str(Path(__file__).parents[2] / "sfr.py")
KNOWN = Credentials()
#: The questions for `jwt` in their order: a part of each prompt, and the answer.
JWT_QUESTIONS = (
    ("Name \\[prod\\]: ", ""),
    ("Domain: ", "URL"),
    ("Method \\[jwt\\]: ", ""),
    ("Consumer key: ", KNOWN.client_id),
    ("User name: ", KNOWN.username),
    ("Folders .*\\[all\\]: ", "1"),
    ("Take .*\\[Y/n\\] ?", ""),
)


SECRETS = {
    "client_credentials": ("Consumer secret: ", KNOWN.client_secret, "SFDC_CLIENT_SECRET"),
    "sid": ("Session id: ", KNOWN.sid, "SFDC_SID"),
}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Emulator]:
    """An org whose app has the certificate that `sfr init` makes, as soon as it is made."""
    with Emulator(certificate=tmp_path / "conf" / "prod.crt") as emulator:
        yield emulator


_OF_TERMINALS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


def environment(**more: str) -> dict[str, str]:
    """The environment of a user without variables of SFR, proxies and colours' switches."""
    names = [n for n in os.environ if n.startswith(("SFDC_", "SFR_")) or n.lower().endswith("_proxy")]
    kept = {name: value for name, value in os.environ.items() if name not in (*names, *_OF_TERMINALS)}
    return {**kept, "TERM": "xterm", **more}


class Terminal:
    """The program on a pseudo-terminal, and all that was seen there."""

    def __init__(self, directory: Path, *arguments: str, columns: int = 100, **variables: str) -> None:
        self.seen = Transcript()
        self.child: Any = pexpect.spawn(
            sys.executable,
            [PROGRAM, *arguments],
            cwd=str(directory),
            env=environment(**variables),
            encoding="utf-8",
            timeout=60,
            dimensions=(40, columns),
        )
        self.child.logfile_read = self.seen

    def answer(self, prompt: str, line: str) -> None:
        """Wait for a prompt and type a line."""
        self.child.expect(prompt)
        self.child.sendline(line)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus is not None
        return int(self.child.exitstatus)


class Transcript:
    """Collects what the terminal shows."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        """Add it."""
        self.text += text

    def flush(self) -> None:
        """Nothing to do."""


def run(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The program without a terminal."""
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        cwd=directory,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def jwt_options(org: Emulator, *more: str) -> tuple[str, ...]:
    """Every answer for `jwt` as an option."""
    user = ("--client-id", KNOWN.client_id, "--username", KNOWN.username)
    return ("init", "--domain", org.url, "--method", "jwt", *user, *more)


def files_of(directory: Path) -> dict[str, str]:
    """Every file with its content."""
    return {
        path.relative_to(directory).as_posix(): path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def mode_of(path: Path) -> int:
    """Its permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def test_newcomer_gets_from_an_empty_directory_to_reports_on_disk(org: Emulator, tmp_path: Path) -> None:
    """Enter takes the recommended answers, wrong ones are explained, and the command printed at the end works."""
    terminal = Terminal(tmp_path, "init")
    terminal.answer("Name \\[prod\\]: ", "")
    terminal.answer("Domain: ", "https://login.salesforce.com")
    terminal.child.expect("log-in host")
    terminal.answer("Domain: ", f"{org.url}/lightning/page/home")
    terminal.answer("Method \\[jwt\\]: ", "1")
    terminal.child.expect("External Client App Manager")
    terminal.child.expect("conf/prod.crt")
    terminal.answer("Consumer key: ", KNOWN.client_id)
    terminal.answer("User name: ", KNOWN.username)
    terminal.answer("Folders", "2-3")
    terminal.answer("Take", "n")
    terminal.answer("Reports", "1,2")
    assert terminal.end() == 0, terminal.seen.text
    assert "2 reports: 2 ready. Nothing was downloaded." in terminal.seen.text
    assert {*files_of(tmp_path)} == {
        ".env.prod",
        "conf/prod.crt",
        "conf/prod.key",
        "conf/prod.yaml",
        "conf/sfr.schema.json",
        "input/prod.csv",
    }
    assert mode_of(tmp_path / "conf/prod.key") == mode_of(tmp_path / ".env.prod") == 0o600

    ended = run(tmp_path, "--config", "conf/prod.yaml")
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "output/prod").glob("*.csv"))) == 3  # two reports and the summary


@pytest.mark.parametrize("question", range(len(JWT_QUESTIONS)), ids=lambda number: f"question{number + 1}")
def test_ctrl_c_leaves_no_half_written_file_at_any_question(org: Emulator, tmp_path: Path, question: int) -> None:
    """The program ends with 130; a key that was made is whole, and another try continues with it."""
    terminal = Terminal(tmp_path, "init")
    for prompt, answer in JWT_QUESTIONS[:question]:
        terminal.answer(prompt, org.url if answer == "URL" else answer)
    terminal.child.expect(JWT_QUESTIONS[question][0])
    terminal.child.sendintr()
    assert terminal.end() == 130, terminal.seen.text
    assert "Traceback" not in terminal.seen.text
    made = {"conf/prod.crt", "conf/prod.key"} if question > 2 else set()
    assert {*files_of(tmp_path)} == made
    key = (tmp_path / "conf/prod.key").read_text() if made else ""

    if question == len(JWT_QUESTIONS) - 1:
        ended = run(tmp_path, *jwt_options(org))
        assert ended.returncode == 0, ended.stderr
        assert (tmp_path / "conf/prod.key").read_text() == key


@pytest.mark.parametrize("method", ["client_credentials", "sid"])
def test_ctrl_c_at_a_hidden_prompt_leaves_nothing_and_a_terminal_that_shows(
    org: Emulator, tmp_path: Path, method: str
) -> None:
    """What is typed afterwards can be seen again."""
    terminal = Terminal(tmp_path, "init", "--name", "a", "--domain", org.url, "--method", method, "--client-id", "x")
    terminal.child.expect(SECRETS[method][0])
    terminal.child.waitnoecho(timeout=10)
    terminal.child.sendintr()
    assert terminal.end() == 130, terminal.seen.text
    assert files_of(tmp_path) == {}


def test_end_of_input_is_explained(org: Emulator, tmp_path: Path) -> None:
    """Ctrl-D at a question."""
    terminal = Terminal(tmp_path, "init")
    terminal.child.expect("Name")
    terminal.child.sendeof()
    assert terminal.end() == 2
    assert "input ended" in terminal.seen.text


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_terminal_without_colours_gets_no_escape_sequences(
    org: Emulator, tmp_path: Path, variables: dict[str, str]
) -> None:
    """Plain text from the first question to the last."""
    terminal = Terminal(tmp_path, "init", "--yes", **variables)
    for prompt, answer in JWT_QUESTIONS[:-1]:
        terminal.answer(prompt, org.url if answer == "URL" else answer)
    assert terminal.end() == 0, terminal.seen.text
    assert "\x1b" not in terminal.seen.text


def test_missing_answers_are_named_all_at_once_without_a_terminal(tmp_path: Path) -> None:
    """No question, and nothing is written."""
    ended = run(tmp_path, "init")
    assert ended.returncode == 2
    for option in ("--domain", "--method", "--client-id", "--username"):
        assert option in ended.stderr
    assert files_of(tmp_path) == {}

    ended = run(tmp_path, "init", "--domain", "https://acme.my.salesforce.com", "--method", "sid")
    assert ended.returncode == 2
    assert "SFDC_SID" in ended.stderr


@pytest.mark.parametrize("method", SECRETS)
def test_secret_is_not_shown_and_is_in_the_env_file_only(org: Emulator, tmp_path: Path, method: str) -> None:
    """Neither on the terminal nor in another file; the set-up works without the variable."""
    prompt, secret, _ = SECRETS[method]
    terminal = Terminal(tmp_path, "init", "--domain", org.url, "--method", method, "--client-id", KNOWN.client_id)
    terminal.answer("Name", "mine")
    terminal.answer(prompt, secret)
    terminal.answer("Folders", "1")
    terminal.answer("Take", "y")
    assert terminal.end() == 0, terminal.seen.text
    assert secret not in terminal.seen.text
    assert [name for name, text in files_of(tmp_path).items() if secret in text] == [".env.mine"]
    assert mode_of(tmp_path / ".env.mine") == 0o600


@pytest.mark.parametrize("method", SECRETS)
def test_secret_comes_from_its_variable_without_a_terminal(org: Emulator, tmp_path: Path, method: str) -> None:
    """No option takes one."""
    _, secret, variable = SECRETS[method]
    options = ("--domain", org.url, "--method", method, "--client-id", KNOWN.client_id)
    ended = run(tmp_path, "init", *options, **{variable: secret})
    assert ended.returncode == 0, ended.stderr
    assert secret not in ended.stdout + ended.stderr


def test_files_that_are_there_are_never_overwritten(org: Emulator, tmp_path: Path) -> None:
    """The second run continues from them; an option that contradicts them is refused; --force spares the key."""
    assert run(tmp_path, *jwt_options(org, "--folders", "Sales*")).returncode == 0
    before = files_of(tmp_path)
    assert run(tmp_path, "init").returncode == 0
    assert files_of(tmp_path) == before

    ended = run(tmp_path, "init", "--client-id", "another")
    assert ended.returncode == 2
    assert "--client-id" in ended.stderr
    assert "--force" in ended.stderr
    assert files_of(tmp_path) == before

    assert run(tmp_path, *jwt_options(org, "--force", "--folders", "Operations")).returncode == 0
    after = files_of(tmp_path)
    assert after["input/prod.csv"] != before["input/prod.csv"]
    assert after["conf/prod.key"] == before["conf/prod.key"]
    assert after["conf/prod.crt"] == before["conf/prod.crt"]


@pytest.mark.parametrize("there", ["", "SFDC_CLIENT_SECRET='stale'\n", "dangling link"])
def test_secrets_file_that_lacks_the_secret_is_refused(org: Emulator, tmp_path: Path, there: str) -> None:
    """It would stay, and the set-up that was tried would not be the one on disk; nothing is written."""
    path = tmp_path / ".env.prod"
    if there == "dangling link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_text(there)
        path.chmod(0o600)
    before = files_of(tmp_path)
    options = ("init", "--domain", org.url, "--method", "client_credentials", "--client-id", KNOWN.client_id)
    ended = run(tmp_path, *options, SFDC_CLIENT_SECRET=KNOWN.client_secret)
    assert ended.returncode == 2
    assert "SFDC_CLIENT_SECRET" in ended.stderr
    assert "--force" in ended.stderr
    assert KNOWN.client_secret not in ended.stdout + ended.stderr
    assert files_of(tmp_path) == before

    assert run(tmp_path, *options, "--force", SFDC_CLIENT_SECRET=KNOWN.client_secret).returncode == 0
    assert run(tmp_path, "--config", "conf/prod.yaml", "--check").returncode == 0


@pytest.mark.parametrize("name", ["conf", "input"])
def test_place_that_cannot_hold_the_files_is_refused_before_the_first_question(tmp_path: Path, name: str) -> None:
    """Not after the whole conversation."""
    (tmp_path / name).write_text("")
    options = ("init", "--domain", "http://127.0.0.1:1", "--method", "client_credentials", "--client-id", "x")
    ended = run(tmp_path, *options, SFDC_CLIENT_SECRET="x")
    assert ended.returncode == 2
    assert f"{name!r} is not a directory" in ended.stderr


@pytest.mark.parametrize("columns", [80, 40])
def test_methods_and_check_are_not_broken_within_words(org: Emulator, tmp_path: Path, columns: int) -> None:
    """Both fit a narrow terminal; a very narrow one gets the short form of the check's table."""
    terminal = Terminal(tmp_path, "init", columns=columns)
    for prompt, answer in JWT_QUESTIONS:
        terminal.answer(prompt, org.url if answer == "URL" else answer)
    assert terminal.end() == 0
    text = terminal.seen.text.replace("\r", "")
    methods = text.partition("How SFR logs in")[2].partition("Method [jwt]")[0]
    assert max(map(len, methods.splitlines())) <= columns
    check = text.partition("API version")[2].partition("Nothing was downloaded")[0]
    assert "State" in check
    assert max(map(len, check.splitlines())) <= max(columns, 65)
    assert ("Name in the org" in check) == (columns == 80)


def test_report_list_that_is_there_stays(org: Emulator, tmp_path: Path) -> None:
    """Also where the configuration is new."""
    (tmp_path / "input").mkdir()
    own = f"report_type,report_file_name,report_id\nSFDC,Mine,{org.reports[0].id}\n"
    (tmp_path / "input/prod.csv").write_text(own)
    assert run(tmp_path, *jwt_options(org)).returncode == 0
    assert (tmp_path / "input/prod.csv").read_text() == own


def test_refused_log_in_ends_with_3_and_says_how_to_continue(tmp_path: Path) -> None:
    """The key stays, no configuration is written, and the printed command works once the certificate is uploaded."""
    with Emulator() as org:
        ended = run(tmp_path, *jwt_options(org, "--name", "acme", "--folders", "Sales*"))
        assert ended.returncode == 3
        assert "certificate" in ended.stdout
        assert {*files_of(tmp_path)} == {"conf/acme.crt", "conf/acme.key"}
        command = re.search(r"sfr\.py (init .*)", ended.stdout)
        assert command
    with Emulator(certificate=tmp_path / "conf/acme.crt") as org:
        import shlex

        options = shlex.split(re.sub(r"http://127\.0\.0\.1:\d+", org.url, command[1]))
        ended = run(tmp_path, *options)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_log_in_can_be_corrected_in_the_conversation(org: Emulator, tmp_path: Path) -> None:
    """A mistyped consumer key is explained, and the question repeated."""
    terminal = Terminal(tmp_path, "init", "--name", "prod", "--domain", org.url, "--method", "jwt")
    terminal.answer("Consumer key: ", "3MVG.mistyped")
    terminal.answer("User name: ", KNOWN.username)
    terminal.child.expect("invalid_client_id")
    terminal.answer("Try again \\[yes\\]: ", "change")
    terminal.answer("Consumer key .*: ", KNOWN.client_id)
    terminal.answer("User name .*: ", "")
    terminal.answer("Folders", "1")
    terminal.answer("Take", "")
    assert terminal.end() == 0, terminal.seen.text


@pytest.mark.parametrize(
    "text", ["not an address", "https://acme.lightning.example.com/x", "https://login.salesforce.com"]
)
def test_wrong_domain_is_refused_with_what_to_use(tmp_path: Path, text: str) -> None:
    """Before anything is made."""
    options = ("--domain", text, "--method", "jwt", "--client-id", "x", "--username", "y")
    ended = run(tmp_path, "init", *options)
    assert ended.returncode in (2, 5)
    assert "salesforce.domain" in ended.stdout + ended.stderr or "my.salesforce.com" in ended.stderr
    assert files_of(tmp_path) == {}


def test_refresh_token_is_obtained_by_a_log_in_in_the_conversation(
    org: Emulator, tmp_path: Path, consenting_browser: Callable[[], str], free_port: int
) -> None:
    """The browser consents, and the token lies beside the configuration, private."""
    options = ("--domain", org.url, "--method", "refresh_token", "--client-id", KNOWN.client_id, "--name", "web")
    browser = consenting_browser()
    terminal = Terminal(tmp_path, "init", *options, "--port", str(free_port), BROWSER=browser)
    terminal.answer("require its secret", "n")
    terminal.answer("Folders", "1")
    terminal.answer("Take", "")
    assert terminal.end() == 0, terminal.seen.text
    token = (tmp_path / "conf/web.token").read_text().strip()
    assert mode_of(tmp_path / "conf/web.token") == 0o600
    assert token not in terminal.seen.text


def test_refused_log_in_on_a_terminal_can_be_left(org: Emulator, tmp_path: Path) -> None:
    """The reason is there, and so is the command that continues; no configuration is written."""
    options = ("--name", "prod", "--domain", org.url, "--method", "jwt", "--client-id", "no", "--username", "x")
    terminal = Terminal(tmp_path, "init", *options)
    terminal.child.expect("invalid_client_id")
    terminal.answer("Try again \\[yes\\]: ", "no")
    assert terminal.end() == 3
    assert "To continue from here:" in terminal.seen.text
    assert {*files_of(tmp_path)} == {"conf/prod.crt", "conf/prod.key"}
