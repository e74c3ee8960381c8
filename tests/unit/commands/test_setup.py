"""The parts of `sfr init`, each alone."""

from __future__ import annotations

import io
import os
import stat
import threading
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from sfr.commands.setup.answers import SANDBOX_AUDIENCE, Answers, SetupFiles, checked_name
from sfr.commands.setup.choosing import parse_numbers
from sfr.commands.setup.gathering import NEEDS
from sfr.commands.setup.key_pair import certificate_days_left, make_key_pair
from sfr.commands.setup.log_in_trial import wait_until_accepted
from sfr.commands.setup.org_domain import check_answers, is_sandbox, well_formed
from sfr.commands.setup.salesforce_setup import CHAPTERS, Values, document, steps
from sfr.commands.setup.writing import write_file, write_set_up
from sfr.config.load import load_config
from sfr.errors import LogInError, ReportError, UsageError
from sfr.redaction import Secret
from sfr.salesforce.auth import METHODS
from sfr.salesforce.http.transport import TransportOptions
from tests.certificates import serve_with_certificate
from tests.raw_server import RawServer, Reply, response

DOCUMENT = Path(__file__).parents[3] / "docs" / "salesforce-setup.md"


def test_document_is_what_init_prints() -> None:
    """Both come from one source: python -m sfr.commands.setup.salesforce_setup > docs/salesforce-setup.md."""
    assert DOCUMENT.read_text() == document()


@pytest.mark.parametrize("method", NEEDS)
def test_steps_of_a_method_are_chapters_of_the_document(method: str) -> None:
    """With the document's example values, every line printed is one of the document's, but for its marks."""
    plain = document().replace("`", "").replace("*", "")
    lines = steps(method, Values()).replace("`", "").replace("*", "").splitlines()

    assert [line for line in lines if line not in plain] == []
    assert len(lines) > 1


@pytest.mark.parametrize("method", METHODS)
def test_every_log_in_method_has_a_chapter(method: str) -> None:
    """The document names them all; `sfr init` offers all but the legacy one."""
    assert any(f"`{method}`" in chapter.title for chapter in CHAPTERS)
    assert (method in NEEDS) == (method != "soap")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("all", {1, 2, 3, 4, 5}), ("1", {1}), ("1,3-5", {1, 3, 4, 5}), ("2 4", {2, 4}), (" ALL ", {1, 2, 3, 4, 5})],
)
def test_numbers_are_read_as_people_write_them(text: str, expected: set[int]) -> None:
    """Single ones, ranges, and all."""
    assert parse_numbers(text, 5) == expected


@pytest.mark.parametrize("text", ["", "0", "6", "1-6", "3-2", "x", "1,,x", "-1", "1-", "999999999999", "١"])
def test_numbers_outside_the_list_are_refused(text: str) -> None:
    """Nothing is taken by accident."""
    with pytest.raises(ValueError, match="from 1 to 5"):
        parse_numbers(text, 5)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/lightning/page/home?x=1#y", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.lightning.force.com/one/one.app", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce-setup.com/lightning/setup", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.lightning.force.com", "https://acme--uat.sandbox.my.salesforce.com"),
    ],
)
def test_address_of_any_page_is_taken_for_the_orgs_own(text: str, domain: str) -> None:
    """People paste what their browser shows."""
    assert well_formed(text) == domain


@pytest.mark.parametrize("text", ["https://login.salesforce.com", "test.salesforce.com", "acme", ""])
def test_address_that_cannot_be_an_orgs_is_refused(text: str) -> None:
    """The message says which address is expected."""
    with pytest.raises(ValueError, match=r"my\.salesforce\.com"):
        well_formed(text)


@pytest.mark.parametrize("answer", ["null", "[]", '{"version": "67.0"}', "[1, null]", "<html>", "[" * 100_000])
def test_host_that_answers_rubbish_is_no_org(answer: str) -> None:
    """Whatever it is."""
    reply = Reply([response(body=answer.encode())])
    with RawServer(lambda _: reply) as server, pytest.raises(ValueError, match="did not answer as"):
        check_answers(server.url, TransportOptions(threads=1))


def test_slow_org_is_explained_in_the_words_of_a_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with options of a configuration that does not exist yet."""
    monkeypatch.setattr("sfr.commands.setup.org_domain.TIMEOUT_S", 0.3)
    reply = Reply([threading.Event()])
    with (
        RawServer(lambda _: reply) as server,
        pytest.raises(ReportError, match=r"did not answer within 0\.3 s") as caught,
    ):
        check_answers(server.url, TransportOptions(threads=1))
    assert "fetch." not in str(caught.value)


def test_untrusted_certificate_is_explained_in_the_words_of_a_set_up(tmp_path: Path) -> None:
    """The option of `sfr init`, not that of a configuration that does not exist yet."""
    context, _ = serve_with_certificate(tmp_path)
    with (
        RawServer(lambda _: Reply([]), tls=context) as server,
        pytest.raises(ReportError, match="`--ca-bundle`") as caught,
    ):
        check_answers(server.url, TransportOptions(threads=1))
    assert "salesforce.ca_bundle" not in str(caught.value)


def test_sandbox_gets_its_audience() -> None:
    """Its users log in at test.salesforce.com."""
    assert is_sandbox("https://acme--uat.sandbox.my.salesforce.com")
    assert not is_sandbox("https://acme.my.salesforce.com")
    answers = Answers("uat", "https://acme--uat.sandbox.my.salesforce.com", "jwt", "id", "user")
    assert answers.auth()["audience"] == SANDBOX_AUDIENCE


@pytest.mark.parametrize("name", ["", "a/b", "../a", ".a", "a b", "é", "a" * 65, "a.b"])
def test_name_is_good_for_files(name: str) -> None:
    """One path component."""
    with pytest.raises(ValueError, match="letters"):
        checked_name(name)


@pytest.mark.parametrize("method", NEEDS)
def test_configuration_written_is_the_one_that_was_tried(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded from its files it has the very settings, whatever the values contain; it warns of nothing."""
    monkeypatch.chdir(tmp_path)
    odd = "3MVG.${HOME}'\"#: \\n"
    secrets = {NEEDS[method].variable: Secret("s'e\\c\"r#e $t")} if NEEDS[method].variable else {}
    answers = Answers("mine", "https://acme.my.salesforce.com", method, odd, "user@acme.com", secrets)
    if method == "jwt":
        os.mkdir("conf")
        make_key_pair(answers.files.key, answers.files.certificate, "mine")
    written, kept = write_set_up(answers, "report_type\n", force=False)
    if method == "refresh_token":
        write_file(answers.files.token, "5Aep.x\n", 0o600, force=False)

    loaded = load_config(answers.files.config, environ={})

    assert kept == []
    assert len(written) == 4
    assert loaded.warnings == ()
    assert loaded.config.salesforce == answers.loaded().config.salesforce
    assert loaded.config.output.directory == answers.loaded().config.output.directory


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1))
def test_secret_survives_the_env_file(secret: str) -> None:
    """Whatever it contains."""
    answers = Answers("a", "https://acme.my.salesforce.com", "sid", secrets={"SFDC_SID": Secret(secret)})

    assert dotenv_values(stream=io.StringIO(answers.env_text()), interpolate=False)["SFDC_SID"] == secret


def test_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    """Whatever the umask; a second call makes nothing."""
    key, certificate = str(tmp_path / "a.key"), str(tmp_path / "a.crt")
    before = os.umask(0)
    try:
        assert make_key_pair(key, certificate, "a") == (key, certificate)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    content = Path(key).read_bytes()
    assert make_key_pair(key, certificate, "a") == ()
    assert Path(key).read_bytes() == content
    assert 729 < certificate_days_left(certificate) <= 730


def test_certificate_is_made_again_for_a_key_that_is_there(tmp_path: Path) -> None:
    """And one of another key is refused."""
    key, certificate = str(tmp_path / "a.key"), str(tmp_path / "a.crt")
    make_key_pair(key, certificate, "a")
    os.unlink(certificate)
    assert make_key_pair(key, certificate, "a") == (certificate,)
    os.unlink(key)
    with pytest.raises(UsageError, match="not the certificate"):
        make_key_pair(key, certificate, "a")


def test_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    """Something under that name, even a dangling link, is never followed."""
    (tmp_path / "a.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((OSError, LogInError)):
        make_key_pair(str(tmp_path / "a.key"), str(tmp_path / "a.crt"), "a")
    assert not (tmp_path / "elsewhere").exists()


def test_file_that_is_there_stays_unless_forced(tmp_path: Path) -> None:
    """And a directory that cannot be written is an error that names the file."""
    path = str(tmp_path / "new" / "file")
    assert write_file(path, "one", force=False)
    assert not write_file(path, "two", force=False)
    assert Path(path).read_text() == "one"
    assert write_file(path, "two", force=True)
    assert Path(path).read_text() == "two"
    with pytest.raises(UsageError, match="file/under"):
        write_file(f"{path}/under", "x", force=False)


def test_log_in_is_waited_for_with_each_new_reason_once() -> None:
    """Every ten seconds; the reason is repeated only when it changes."""
    reasons = iter([LogInError("a"), LogInError("a"), LogInError("b"), LogInError("a")])
    said: list[str] = []
    slept: list[float] = []

    def attempt() -> str:
        reason = next(reasons, None)
        if reason is not None:
            raise reason
        return "in"

    assert wait_until_accepted(attempt, said.append, clock=lambda: sum(slept), sleep=slept.append) == "in"
    assert slept == [10.0] * 4
    assert said[1:] == ["Not yet. a", "Not yet. b", "Not yet. a"]


def test_log_in_is_given_up_after_fifteen_minutes() -> None:
    """With the last reason."""
    slept: list[float] = []

    def attempt() -> str:
        raise LogInError("no")

    with pytest.raises(LogInError, match="no"):
        wait_until_accepted(attempt, lambda _: None, clock=lambda: sum(slept), sleep=slept.append)
    assert sum(slept) == 900


def test_files_are_named_after_the_set_up() -> None:
    """As users know them."""
    files = SetupFiles("prod")
    assert (files.config, files.key, files.env, files.list) == (
        "conf/prod.yaml",
        "conf/prod.key",
        ".env.prod",
        "input/prod.csv",
    )
