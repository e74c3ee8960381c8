"""`notify.email`: one message that says how the run went, over TLS that is verified, in bounded time, and no more."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sfr.config.email_settings import Email, split_address
from sfr.config.output_settings import Notify
from sfr.errors import ErrorKind
from sfr.model import Report, Status
from sfr.notify import CHANNELS, Notifier
from sfr.notify.ending import HttpOptions, NotifyError
from sfr.notify.mail_message import attachments, is_wanted, subject
from sfr.notify.smtp import check
from sfr.redaction import Secret
from sfr.results import ReportStats, RunStats
from tests.certificates import serve_with_certificate
from tests.mail_server import MailServer
from tests.ports import refusing_port

AT = datetime(2026, 11, 23, 4, 10, tzinfo=UTC)
PASSWORD = "canary-pässword"


def settings(**options: Any) -> Email:
    """Valid options for a plain loopback server, with these changes."""
    base = {"host": "127.0.0.1", "security": "none", "from": "SFR <sfr@acme.example>", "to": ("ops@acme.example",)}
    return Email(**{**base, **options})


def saved(directory: Path | str, name: str, content: bytes = b"a,b\n", status: Status = Status.SAVED) -> ReportStats:
    """A report of this run with its file."""
    report = Report(0, "SFDC", name, "00O1V0000000001UA4", str(directory), "?export=1", format="xlsx")
    if isinstance(directory, Path):
        Path(report.path).write_bytes(content)
    return ReportStats(report, status, rows=1, size_bytes=len(content))


def make_run(*reports: ReportStats, exit_code: int = 0) -> RunStats:
    """A run with these reports."""
    return RunStats("run-1", AT, AT, 3.0, exit_code, "https://acme.my.salesforce.com", "1", 4, 2, reports)


FAILED = ReportStats(
    Report(1, "SFDC", "Sales <b>", "00O1V0000000001UA4", "/srv", "?export=1"),
    Status.FAILED,
    ErrorKind.TIMEOUT,
    "Too slow.",
)
GOOD = make_run(saved("/srv", "Open"))
BAD = make_run(saved("/srv", "Open"), FAILED, exit_code=4)


def send(email: Email, run: RunStats = BAD, *, ca_bundle: str | None = None, text: str = "the table") -> None:
    """Notify as a run does at its end."""
    Notifier(Notify(email=email), ca_bundle=ca_bundle).ended(run, text, None, "prod")


def test_message_has_subject_text_and_html(caplog: pytest.LogCaptureFixture) -> None:
    """To all recipients at once: the table as text, the same as HTML with every value escaped; nothing is logged."""
    with MailServer() as server:
        send(settings(port=server.used_port, to=("ops@acme.example", "Boss <boss@acme.example>")))

    (message,) = server.messages
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert message["Subject"] == "SFR prod: 1 of 2 reports failed"
    assert message["From"] == "SFR <sfr@acme.example>"
    assert message["To"] == "ops@acme.example, Boss <boss@acme.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert server.recipients == [["ops@acme.example", "boss@acme.example"]]
    assert "the table" in text.get_content()
    assert "Too slow." in html.get_content()
    assert "Sales &lt;b&gt;" in html.get_content()
    assert "<script" not in html.get_content()
    assert "<style" not in html.get_content()
    assert not caplog.records


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (GOOD, "SFR prod: 1 report in place"),
        (make_run(*GOOD.reports * 40), "SFR prod: 40 reports in place"),
        (make_run(FAILED, FAILED, *GOOD.reports * 38, exit_code=4), "SFR prod: 2 of 40 reports failed"),
        (make_run(*GOOD.reports, exit_code=4), "SFR prod: 1 report in place, but a summary could not be written"),
        (make_run(FAILED, exit_code=3), "SFR prod: log-in refused or session lost, 1 of 1 report failed"),
        (make_run(FAILED, exit_code=5), "SFR prod: 1 of 1 report failed"),
        (make_run(FAILED, *GOOD.reports, exit_code=130), "SFR prod: stopped by SIGINT, 1 of 2 reports failed"),
        (make_run(FAILED, *GOOD.reports, exit_code=143), "SFR prod: stopped by SIGTERM, 1 of 2 reports failed"),
    ],
    ids=str,
)
def test_subject_says_how_the_run_went(run: RunStats, expected: str) -> None:
    """In one line, for every exit code that a run can end with."""
    assert subject(run, "prod") == expected


def test_subject_of_a_fleet_counts_orgs() -> None:
    """Its message is one for all orgs."""
    assert subject(GOOD, "night", "org") == "SFR night: 1 org in place"


def test_subject_holds_no_line_end() -> None:
    """The name of a configuration file may hold anything; a header may not."""
    assert subject(GOOD, "a\r\nBcc: x") == "SFR a\\r\\nBcc: x: 1 report in place"


@pytest.mark.parametrize(
    ("when", "run", "is_sent"),
    [
        ("always", GOOD, True),
        ("failure", GOOD, False),
        ("failure", BAD, True),
        ("failure", make_run(*GOOD.reports, exit_code=4), True),
        ("change", GOOD, True),
        ("change", BAD, True),
        ("change", make_run(saved("/srv", "Open", status=Status.UNCHANGED)), False),
        ("change", make_run(saved("/srv", "Open", status=Status.SKIPPED)), False),
    ],
)
def test_when_decides_whether_a_message_is_sent(when: str, run: RunStats, is_sent: bool) -> None:
    """`failure`: a failed report or another exit code than 0; `change`: a report saved or failed."""
    assert is_wanted(settings(when=when), run) is is_sent


def test_no_connection_is_made_without_an_occasion(caplog: pytest.LogCaptureFixture) -> None:
    """A server that is down does not matter then."""
    send(settings(port=1, when="failure"), GOOD)

    assert not caplog.records


def test_files_are_attached_until_the_limit(tmp_path: Path) -> None:
    """Saved and unchanged ones that match, in list order; what does not fit is named in both parts."""
    reports = (
        saved(tmp_path, "Pipeline A", b"1" * 60),
        saved(tmp_path, "Pipeline B", b"2" * 50),
        saved(tmp_path, "Pipeline C ü", b"3" * 40, Status.UNCHANGED),
        saved(tmp_path, "Pipeline D", b"4", Status.SKIPPED),
        saved(tmp_path, "Other", b"5"),
    )
    with MailServer() as server:
        send(settings(port=server.used_port, attach=("Pipeline*.xlsx",), attach_max_bytes=100), make_run(*reports))

    (message,) = server.messages
    found = [
        (part.get_filename(), part.get_content_subtype(), part.get_content()) for part in message.iter_attachments()
    ]
    workbook = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert found == [("Pipeline A.xlsx", workbook, b"1" * 60), ("Pipeline C ü.xlsx", workbook, b"3" * 40)]
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        assert "Pipeline B.xlsx (50 B)" in " ".join(body.get_content().split())
        assert "notify.email.attach_max_bytes" in body.get_content()


def test_pattern_that_no_report_matches_is_named_in_the_message(tmp_path: Path) -> None:
    """A mistyped name would attach nothing, silently; a report that failed matches too."""
    with MailServer() as server:
        send(settings(port=server.used_port, attach=("Pipline*", "Sales*", "Open*.xlsx")), BAD)

    for kind in ("plain", "html"):
        body = server.messages[0].get_body((kind,))
        assert body is not None
        said = " ".join(body.get_content().split())
        assert "No report of this run has a file name like Pipline* (" in said


def test_time_grows_with_the_attached_bytes(tmp_path: Path) -> None:
    """30 s, and 1 s more per 100 kB."""
    run = make_run(saved(tmp_path, "Pipeline", b"x" * 250_000))
    email = settings(attach=("*",))
    channel = CHANNELS["email"]
    from sfr.notify.ending import Ending

    assert channel.timeout_s == 30
    assert channel.extra_time_s(email, Ending(run, "", None)) == 2.5
    assert attachments(settings(), run).paths == ()


def test_missing_file_does_not_prevent_the_message(tmp_path: Path) -> None:
    """It is named among those that are not attached."""
    stats = saved(tmp_path, "Pipeline")
    Path(stats.path).unlink()
    with MailServer() as server:
        send(settings(port=server.used_port, attach=("*",)), make_run(stats))

    body = server.messages[0].get_body(("plain",))
    assert body is not None
    assert "Pipeline.xlsx (No such file or directory)" in body.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_message_and_password_travel_over_verified_tls(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, security: str
) -> None:
    """With `salesforce.ca_bundle` the server's certificate is trusted, without it is not: nothing is sent then."""
    context, bundle = serve_with_certificate(tmp_path)
    with MailServer(**{security: context}, password=PASSWORD if security == "starttls" else None) as server:
        email = settings(port=server.used_port, security=security)
        if security == "starttls":
            email = settings(port=server.used_port, security=security, username="reader", password=Secret(PASSWORD))
        send(email, ca_bundle=str(bundle))
        assert not [each for each in caplog.records if each.name == "sfr.notify"]
        send(email)

    assert len(server.messages) == 1
    assert server.over_tls == [True]
    assert "The TLS certificate of 127.0.0.1 is self-signed" in caplog.text
    assert PASSWORD not in caplog.text


def test_starttls_is_required(caplog: pytest.LogCaptureFixture) -> None:
    """A server (or somebody between) that does not offer it gets neither message nor password."""
    with MailServer() as server:
        send(settings(port=server.used_port, security="starttls", username="reader", password=Secret(PASSWORD)))

    assert not server.messages
    assert not server.logins
    assert "STARTTLS extension not supported" in caplog.text


def test_refused_log_in_is_a_warning_with_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Without the password."""
    with MailServer(password=PASSWORD) as server:
        send(settings(port=server.used_port, username="reader", password=Secret("wrong-canary")))

    (record,) = (each for each in caplog.records if each.name == "sfr.notify")
    assert record.levelno == logging.WARNING
    assert "refused the log-in as reader: 535" in record.getMessage()
    assert "wrong-canary" not in caplog.text
    assert not server.messages


def test_refused_recipient_is_a_warning_and_the_others_get_it(caplog: pytest.LogCaptureFixture) -> None:
    """Named with what the server said."""
    with MailServer(refused=("gone@acme.example",)) as server:
        send(settings(port=server.used_port, to=("gone@acme.example", "ops@acme.example")))

    assert server.recipients == [["ops@acme.example"]]
    assert "refused the recipient gone@acme.example: 550 5.1.1 No such user here" in caplog.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"refused": ("ops@acme.example",)}, "refused the recipient ops@acme.example: 550"),
        (
            {"answer": "552 5.3.4 Message too big."},
            "answered 552 5.3.4 Message too big; lower `notify.email.attach_max_bytes`.",
        ),
        ({"answer": "554 5.7.1 Spam."}, "answered 554 5.7.1 Spam."),
    ],
    ids=["recipients", "size", "message"],
)
def test_refused_message_is_a_warning(caplog: pytest.LogCaptureFixture, options: dict[str, Any], said: str) -> None:
    """What the server said is in it, and what to do about a message that is too big."""
    with MailServer(**options) as server:
        send(settings(port=server.used_port, attach=("*",)))

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert said in caplog.text


@contextmanager
def raw_server(greeting: bytes) -> Iterator[int]:
    """A listener that sends this to whoever connects, again and again; yields its port."""
    ended = threading.Event()
    connections: list[socket.socket] = []

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            while greeting and not ended.wait(0.02):
                try:
                    connection.sendall(greeting)
                except OSError:
                    break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in connections:
                connection.close()


@pytest.mark.parametrize(
    ("greeting", "security"),
    [(b"", "none"), (b"2", "none"), (b"", "tls")],
    ids=["silent", "dripping", "silent over TLS"],
)
def test_silent_server_costs_the_time_limit(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, greeting: bytes, security: str
) -> None:
    """Also one that sends a byte now and then, which restarts each wait of smtplib."""
    monkeypatch.setitem(CHANNELS, "email", replace(CHANNELS["email"], timeout_s=0.3))
    with raw_server(greeting) as port:
        send(settings(port=port, security=security))

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "did not take the message within 0.3 s; check `port` and `security`." in caplog.text


@pytest.mark.parametrize(
    ("greeting", "security", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "tls", "no TLS with 127.0.0.1"),
        (b"554 5.7.1 Go away\r\n", "none", "answered 554 5.7.1 Go away"),
    ],
)
def test_wrong_server_is_a_warning(caplog: pytest.LogCaptureFixture, greeting: bytes, security: str, said: str) -> None:
    """Another protocol, or a refusal in the greeting."""
    with raw_server(greeting) as port:
        send(settings(port=port, security=security))

    assert said in caplog.text


def test_dead_server_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens there."""
    with refusing_port() as port:
        send(settings(port=port))

    assert f"127.0.0.1:{port} cannot be reached (Connection refused); check `host` and `port`." in caplog.text


def test_check_connects_and_sends_nothing() -> None:
    """For `sfr doctor`: the log-in is tried, too."""
    with MailServer(password=PASSWORD) as server:
        port = server.used_port
        check(settings(port=port, username="reader", password=Secret(PASSWORD)), HttpOptions(5.0))
        with pytest.raises(NotifyError, match="refused the log-in"):
            check(settings(port=port, username="reader", password=Secret("wrong")), HttpOptions(5.0))

    assert not server.messages
    assert server.logins.count("reader") >= 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "mail.acme.example", "security": "none"}, "only for loopback hosts"),
        ({"username": "reader"}, "go together"),
        ({"password": Secret("x")}, "go together"),
        ({"to": ()}, "at least one address"),
        ({"to": ("ops",)}, "an e-mail address"),
        ({"from": "a@b.c, d@e.f"}, "an e-mail address"),
        ({"host": "mail.acme.example:25"}, "a host name"),
        ({"when": "never"}, "always"),
        ({"port": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], said: str) -> None:
    """Before anything is fetched."""
    with pytest.raises(ValidationError, match=said):
        settings(**options)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_port_follows_security(security: str, port: int) -> None:
    """Unless it is given."""
    assert settings(security=security).used_port == port
    assert settings(security=security, port=2525).used_port == 2525


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ops@acme.example", ("", "ops@acme.example")),
        ("SFR <ops@acme.example>", ("SFR", "ops@acme.example")),
        ('"Größe Ops" <ops+sfr@Acme.example>', ("Größe Ops", "ops+sfr@Acme.example")),
        ("<ops@acme.example>", ("", "ops@acme.example")),
    ],
)
def test_address_may_have_a_name(text: str, expected: tuple[str, str]) -> None:
    """Which becomes the display name."""
    assert split_address(text) == expected


def test_long_summary_is_cut_at_its_start() -> None:
    """The end has the failures and the totals."""
    with MailServer() as server:
        send(settings(port=server.used_port), text="line\n" * 40_000 + "the end\n")

    body = server.messages[0].get_body(("plain",))
    assert body is not None
    assert "[…]" in body.get_content()
    assert "the end" in body.get_content()
    assert len(body.get_content()) < 125_000  # its line ends are two characters
