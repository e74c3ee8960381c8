from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sfr.config.output_settings import Notify
from sfr.emulator import Emulator
from sfr.errors import ErrorKind
from sfr.model import Report, Status
from sfr.notify import CHANNELS, Notifier
from sfr.notify.command import ended as run_command
from sfr.notify.ending import Ending, HttpOptions, NotifyError
from sfr.notify.ping import with_step
from sfr.redaction import Secret
from sfr.results import ReportStats, RunStats

AT = datetime(2026, 11, 23, tzinfo=UTC)
REPORT = Report(0, "SFDC", "Sales", "00O1V0000000001UA4", "/srv", "?export=1")
RUN = RunStats(
    "run-1", AT, AT, 3.0, 4, "https://acme.my.salesforce.com", "1", 4, 2,
    (ReportStats(REPORT, Status.FAILED, ErrorKind.TIMEOUT, "Too slow."),),
)  # fmt: skip


class Listener:
    """A server that records its requests, with a configurable answer."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.status = 200
        self.may_answer = threading.Event()
        self.may_answer.set()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                listener.got.append((self.path, self.headers["Content-Type"], body))
                listener.may_answer.wait(10)
                self.send_response(listener.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/t0ken"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server on a free port."""
    found = Listener()
    yield found
    found.close()


def test_ping_sends_start_and_exit_code(listener: Listener) -> None:
    """`/start` first, then the exit code with the end of the summary."""
    notifier = Notifier(Notify(ping=Secret(listener.url)))
    notifier.started()
    notifier.ended(RUN, "x" * 20_000 + "the end ü", None)

    assert [path for path, _, _ in listener.got] == ["/hook/t0ken/start", "/hook/t0ken/4"]
    assert len(listener.got[1][2]) == 10_000
    assert listener.got[1][2].decode().endswith("the end ü")


def test_webhook_sends_run_and_failures_as_json(listener: Listener) -> None:
    """A `text` that chats show, and the same facts for programs."""
    Notifier(Notify(webhook=Secret(listener.url))).ended(RUN, "", None)

    ((path, content_type, body),) = listener.got
    sent = json.loads(body)
    assert (path, content_type) == ("/hook/t0ken", "application/json")
    assert "1 report: 1 failed" in sent["text"]
    assert sent["run"]["exit_code"] == 4
    assert sent["failed"] == [{"file_name": "Sales", "error": "timeout", "message": "Too slow."}]


def test_command_gets_the_path_of_the_summary(tmp_path: Path) -> None:
    """The path is the last argument; the exit code is in the environment; there is no input."""
    script = (
        "import os, pathlib, sys; "
        "pathlib.Path(sys.argv[1]).write_text(repr((sys.argv[2:], os.environ['SFR_EXIT_CODE'], sys.stdin.read())))"
    )
    out = tmp_path / "out"
    Notifier(Notify(command=(sys.executable, "-c", script, str(out)))).ended(RUN, "", "/srv/summary.json")

    assert out.read_text() == "(['/srv/summary.json'], '4', '')"


@pytest.mark.parametrize("status", [301, 404, 500])
def test_error_answer_is_a_warning_without_the_url(
    listener: Listener, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """The URL is a secret: the warning says the status, not where. A redirect is not followed."""
    listener.status = status
    Notifier(Notify(ping=Secret(listener.url), webhook=Secret(listener.url))).ended(RUN, "", None)

    assert len(listener.got) == 2
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert f"responded with status {status}" in caplog.text
    assert "t0ken" not in caplog.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/t0ken", "http://[t0ken", "ftp://t0ken/", "http://t0ken.invalid/"])
def test_dead_url_is_a_warning_without_the_url(caplog: pytest.LogCaptureFixture, url: str) -> None:
    """Refused, malformed, unknown: one warning each, whose text does not hold the URL."""
    notifier = Notifier(Notify().model_copy(update={"webhook": Secret(url)}))  # unchecked
    notifier.ended(RUN, "", None)

    assert len(caplog.records) == 1
    assert "t0ken" not in caplog.text


def test_notice_goes_through_the_proxy_of_salesforce(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """A machine that reaches Salesforce by a proxy only reaches everything else by it."""
    way = Secret(listener.url.removesuffix("/hook/t0ken"))
    Notifier(Notify(webhook=Secret("http://hooks.invalid/t0ken")), proxy=way).ended(RUN, "", None)

    assert [path for path, _, _ in listener.got] == ["http://hooks.invalid/t0ken"]
    assert not caplog.records


def test_notice_to_this_machine_takes_no_proxy(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """A proxy elsewhere could not reach it."""
    Notifier(Notify(webhook=Secret(listener.url)), proxy="http://proxy.invalid:3128").ended(RUN, "", None)

    assert [path for path, _, _ in listener.got] == ["/hook/t0ken"]
    assert not caplog.records


def test_notice_follows_the_environment_when_the_configuration_says_so(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`proxy: env` reads the proxy variables and NO_PROXY; without it they mean nothing."""
    monkeypatch.setenv("http_proxy", listener.url.removesuffix("/hook/t0ken"))
    monkeypatch.setenv("no_proxy", "inside.invalid")
    for host in ("outside.invalid", "inside.invalid"):
        Notifier(Notify(webhook=Secret(f"http://{host}/t0ken")), proxy="env").ended(RUN, "", None)
    Notifier(Notify(webhook=Secret("http://outside.invalid/t0ken"))).ended(RUN, "", None)

    assert [path for path, _, _ in listener.got] == ["http://outside.invalid/t0ken"]
    assert len(caplog.records) == 2


def test_notice_trusts_the_authorities_of_salesforce(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """`salesforce.ca_bundle` holds for the URLs of `notify` too: a company's own CA is trusted with it only."""
    with Emulator(tls=True, directory=str(tmp_path)) as org:
        for ca_bundle in (org.ca_file, None, "system"):
            Notifier(Notify(webhook=Secret(f"{org.url}/t0ken")), ca_bundle=ca_bundle).ended(RUN, "", None)

    reasons = [record.getMessage() for record in caplog.records if record.name == "sfr.notify"]
    assert "the server responded" in reasons[0]
    assert [("SSLError" in reason) for reason in reasons] == [False, True, True]


def test_slow_server_is_given_up(
    listener: Listener, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never answers costs the time limit, not more, and a warning."""
    monkeypatch.setitem(CHANNELS, "webhook", replace(CHANNELS["webhook"], timeout_s=0.2))
    listener.may_answer.clear()
    Notifier(Notify(webhook=Secret(listener.url))).ended(RUN, "", None)

    assert "no response within 0.2 s" in caplog.text


@pytest.mark.parametrize(
    ("argv", "timeout_s", "problem"),
    [
        (("/no/such/program",), 60, "cannot be started"),
        ((sys.executable, "-c", "import sys; sys.exit(3)"), 60, "ended with exit code 3"),
        ((sys.executable, "-c", "import time; time.sleep(60)"), 0.3, "did not end within 0.3 s"),
        (("sh", "-c", "sleep 60 & wait"), 0.3, "did not end within 0.3 s"),
    ],
)
def test_command_that_fails_or_hangs_is_an_error(argv: tuple[str, ...], timeout_s: float, problem: str) -> None:
    """Not found, ended badly, too slow (with its children): never more than an error that says so."""
    with pytest.raises(NotifyError, match=problem):
        run_command(argv, Ending(RUN, "", "/srv/summary.json"), HttpOptions(timeout_s))


def test_command_needs_a_summary(caplog: pytest.LogCaptureFixture) -> None:
    """Where the JSON summary could not be written, the program is not run."""
    Notifier(Notify(command=("true",))).ended(RUN, "", None)

    assert "no JSON summary" in caplog.text


def test_nothing_happens_when_nothing_is_configured(caplog: pytest.LogCaptureFixture) -> None:
    """No thread, no warning."""
    before = threading.active_count()
    notifier = Notifier(Notify())
    notifier.started()
    notifier.ended(RUN, "", None)

    assert threading.active_count() == before
    assert not caplog.records


def test_step_is_put_before_a_query() -> None:
    """A token in the query stays where it is."""
    assert with_step("https://hc.example/ping/1/?token=x", "start") == "https://hc.example/ping/1/start?token=x"
