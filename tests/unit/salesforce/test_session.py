"""sfr.salesforce.session and sfr.salesforce.org_check: one log-in for all threads, and the two questions after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.redaction import Secret
from sfr.salesforce.auth.grants import Grant
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import Transport, TransportOptions, open_transport
from sfr.salesforce.org_check import check, resolve_api_version
from sfr.salesforce.session import CurrentSession, Session
from tests.raw_server import RawServer, always, response

DOMAIN = "https://acme.my.salesforce.com"


class LogIns:
    """A log-in method that counts, and returns the given results, in turn."""

    def __init__(self, *outcomes: str | Exception) -> None:
        self.outcomes = list(outcomes)
        self.count = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_asked = threading.Event()

    def __call__(self) -> Grant:
        self.count += 1
        self.is_asked.set()
        assert self.may_go_on.wait(20)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Grant(Secret(outcome), None, ("a note",))


def current_of(log_ins: Callable[[], Grant]) -> CurrentSession:
    """A current session of the domain."""
    return CurrentSession(log_ins, DOMAIN)


def in_threads(count: int, act: Callable[[], object]) -> list[object]:
    """What this many threads got from the same act at once: its value or its LogInError."""
    results: list[object] = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait(20)
        try:
            results.append(act())
        except LogInError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


def test_log_in_happens_once_when_many_threads_want_a_session() -> None:
    """One log-in per run."""
    log_ins = LogIns("token-one")
    current = current_of(log_ins)
    results = in_threads(8, current.log_in)
    assert log_ins.count == 1
    assert all(result is results[0] for result in results)
    assert current.notes == ("a note",)


def test_session_builds_headers_and_shows_no_token() -> None:
    """The token is in the headers, and nowhere in a repr."""
    session = current_of(LogIns("token-one")).log_in()
    assert session.cookie_headers() == {"Cookie": "sid=token-one"}
    assert session.bearer_headers() == {"Authorization": "Bearer token-one"}
    assert session.instance_url == DOMAIN
    assert "token-one" not in repr(session)


def test_renewal_happens_once_when_many_threads_lost_the_same_session() -> None:
    """Eight threads, one log-in, one new session for all."""
    log_ins = LogIns("token-one", "token-two")
    current = current_of(log_ins)
    stale = current.log_in()
    results = in_threads(8, lambda: current.renew(stale))
    assert log_ins.count == 2
    assert {result.generation for result in results if isinstance(result, Session)} == {2}
    assert current.log_in() is results[0]


def test_renewal_requests_nothing_when_the_session_is_newer_already() -> None:
    """A thread that comes late with an old session gets the new one."""
    log_ins = LogIns("token-one", "token-two")
    current = current_of(log_ins)
    stale = current.log_in()
    renewed = current.renew(stale)
    assert current.renew(stale) is renewed
    assert log_ins.count == 2


def test_refused_renewal_is_raised_to_all_without_another_log_in() -> None:
    """A refusal is final: accounts get locked by trying again."""
    log_ins = LogIns("token-one", LogInError("user is locked"))
    current = current_of(log_ins)
    stale = current.log_in()
    results = in_threads(8, lambda: current.renew(stale))
    assert log_ins.count == 2
    assert [str(result) for result in results] == ["user is locked"] * 8
    with pytest.raises(LogInError, match="locked"):
        current.log_in()
    assert log_ins.count == 2


def test_renewal_is_refused_when_it_returns_the_same_token() -> None:
    """A session id given by hand cannot be renewed."""
    current = current_of(LogIns("token-one", "token-one"))
    stale = current.log_in()
    with pytest.raises(LogInError, match="same session again"):
        current.renew(stale)


def test_log_in_may_be_tried_again_when_salesforce_was_only_out_of_reach() -> None:
    """A network error is no refusal."""
    current = current_of(LogIns(ReportError(ErrorKind.NETWORK, "down"), "token-one"))
    with pytest.raises(ReportError, match="down"):
        current.log_in()
    assert current.log_in().generation == 1


@pytest.fixture
def transport() -> Iterator[Transport]:
    """One with the defaults."""
    opened = open_transport(TransportOptions())
    yield opened
    opened.close()


def session_at(server: RawServer) -> Session:
    """A session of the org that the server plays."""
    return Session(Secret("token-one"), server.url, 1)


def soon() -> Deadline:
    """Long enough for a test."""
    return Deadline.after(20, "20 s")


class TestApiVersion:
    def test_configured_version_is_used_without_a_request(self, transport: Transport) -> None:
        """`64.0` needs no request."""
        with RawServer(always(response())) as server:
            assert resolve_api_version(transport, session_at(server), "61.0", soon()) == ("61.0", None)
            assert server.received == []

    def test_latest_is_the_last_of_the_list_and_requested_without_a_token(self, transport: Transport) -> None:
        """A label may hold any script; the list needs no log-in and gets none."""
        body = '[{"label":"Été","url":"/x","version":"66.0"},{"label":"冬","url":"/y","version":"67.0"}]'.encode()
        with RawServer(always(response(200, body))) as server:
            assert resolve_api_version(transport, session_at(server), "latest", soon()) == ("67.0", None)
            assert server.received[0].target == "/services/data/"
            assert not {"cookie", "authorization"} & set(server.received[0].headers)

    @pytest.mark.parametrize(
        ("status", "body"),
        [(500, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"version":"67.0"}'), (200, b'[{"version":"../x"}]')],
    )
    def test_fallback_is_used_with_a_warning_when_the_org_lists_no_version(
        self, transport: Transport, status: int, body: bytes
    ) -> None:
        """64.0, and the log says why."""
        with RawServer(always(response(status, body))) as server:
            version, warning = resolve_api_version(transport, session_at(server), "latest", soon())
        assert version == "64.0"
        assert warning is not None
        assert "64.0" in warning

    def test_stop_is_passed_on(self, transport: Transport) -> None:
        """A stop is no reason for a warning."""
        transport.abort()
        with RawServer(always(response())) as server, pytest.raises(ReportError) as raised:
            resolve_api_version(transport, session_at(server), "latest", soon())
        assert raised.value.kind is ErrorKind.INTERRUPTED


class TestCheck:
    def test_check_requests_limits_with_the_bearer_token(self, transport: Transport) -> None:
        """One small question; no warning if it is answered."""
        with RawServer(always(response(200, b"{}"))) as server:
            assert check(transport, session_at(server), "64.0", soon()) is None
            assert server.received[0].target == "/services/data/v64.0/limits"
            assert server.received[0].headers["authorization"] == "Bearer token-one"

    @pytest.mark.parametrize(
        "reply",
        [
            response(401, b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]'),
            response(401, b"This session is not valid for use with the REST API"),
            response(200, b"\n<html><input type='password'></html>", Content_Type="text/html"),
            response(302, Location="https://login.salesforce.com/?startURL=x"),
            response(301, Location="https://acme2.my.salesforce.com/services/data/v64.0/limits"),
        ],
        ids=["401", "401 without JSON", "log-in page", "log-in redirect", "moved"],
    )
    def test_check_fails_the_run_when_the_session_does_not_work(self, transport: Transport, reply: bytes) -> None:
        """Exit 3, before any report is requested."""
        with RawServer(always(reply)) as server, pytest.raises(LogInError) as raised:
            check(transport, session_at(server), "64.0", soon())
        assert "token-one" not in str(raised.value)

    def test_check_says_what_to_set_when_the_org_has_moved(self, transport: Transport) -> None:
        """The message names the new domain."""
        reply = response(301, Location="https://acme2.my.salesforce.com/services/data/v64.0/limits")
        words = r"Set `salesforce\.domain` to https://acme2\.my\.salesforce\.com"
        with RawServer(always(reply)) as server, pytest.raises(LogInError, match=words):
            check(transport, session_at(server), "64.0", soon())

    @pytest.mark.parametrize(
        "reply",
        [
            response(403, b'[{"message":"off","errorCode":"API_DISABLED_FOR_ORG"}]'),
            response(404, b"[]"),
            response(503, b"<html><title>Maintenance</title></html>"),
            response(200, b"<html><title>Lightning</title></html>"),
            response(302, Location="https://elsewhere.example/"),
            b"",
        ],
        ids=["403", "404", "503", "page", "elsewhere", "nothing"],
    )
    def test_check_is_a_warning_when_anything_else_is_wrong(self, transport: Transport, reply: bytes) -> None:
        """The exports may work all the same."""
        with RawServer(always(reply, end="close")) as server:
            assert check(transport, session_at(server), "64.0", soon())

    def test_check_passes_a_stop_on(self, transport: Transport) -> None:
        """A stop is neither a refusal nor a warning."""
        transport.abort()
        with RawServer(always(response())) as server, pytest.raises(ReportError):
            check(transport, session_at(server), "64.0", soon())
