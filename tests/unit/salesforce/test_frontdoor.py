"""From a token to a browser session, over real sockets."""

import threading
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.redaction import Redactor
from sfr.salesforce.frontdoor import Frontdoor
from sfr.salesforce.routes import browser_export
from tests.connector_exchange import exchange_with, report, text_of
from tests.raw_server import RawServer, Reply, response

LOGIN = b"<html><head><title>Login</title></head><body><input type='password'></body></html>"
CSV = b'"A"\n"1"\n'
TOKEN, SID = "00Dxx!token", "00Dxx!browser.session_id"
BRIDGED = response(302, Location="/", Set_Cookie=f"BrowserId=x; path=/, sid={SID}; path=/; HttpOnly")


def org(front_door):
    """Exports for the browser session only; a front door that answers like this."""

    def answer(request):
        if request.target == "/secur/frontdoor.jsp":
            return Reply([front_door], "keep")
        is_in = request.headers.get("cookie") == f"sid={SID}"
        return Reply(
            [response(200, CSV if is_in else LOGIN, Content_Type="text/csv" if is_in else "text/html")], "keep"
        )

    return answer


def test_refused_token_becomes_a_browser_session(tmp_path):
    """One POST; its cookie is used for this report and for all that follow, and is a secret."""
    redactor = Redactor()
    with (
        RawServer(org(BRIDGED)) as server,
        exchange_with(server.url, tmp_path, token=TOKEN, frontdoor=Frontdoor(redactor)) as exchange,
    ):
        browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))
        assert text_of(exchange) == CSV
        browser_export.fetch(replace(exchange, report=report("00Oxx0000000002AAA")))

    assert [request.method for request in server.received] == ["GET", "POST", "GET", "GET"]
    posted = server.received[1]
    assert parse_qs(posted.body.decode()) == {"sid": [TOKEN], "retURL": ["/"]}
    assert TOKEN not in posted.target
    assert "session_id" not in redactor.redact(f"it was {SID}")


@pytest.mark.parametrize("front_door", [response(200, LOGIN), response(404), response(302, Location="https://x.test/")])
def test_refusal_stays_when_the_front_door_is_shut(front_door, tmp_path):
    """The error is the export's own; the door is tried once."""
    with (
        RawServer(org(front_door)) as server,
        exchange_with(server.url, tmp_path, frontdoor=Frontdoor(Redactor())) as exchange,
    ):
        for _ in range(2):
            with pytest.raises(ReportError) as caught:
                browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))
            assert caught.value.kind is ErrorKind.AUTH

    assert [request.method for request in server.received] == ["GET", "POST", "GET"]


CHANGE_PASSWORD = "/_ui/system/security/ChangePassword?retURL=%2F"
SENT_AWAY = f"<html><script>location.replace('{CHANGE_PASSWORD}')</script></html>".encode()


@pytest.mark.parametrize("front_door", [response(200, SENT_AWAY), response(302, Location=CHANGE_PASSWORD)])
def test_page_behind_the_front_door_that_bars_the_user_is_the_error(front_door, tmp_path):
    """Another session would get it as well."""
    with (
        RawServer(org(front_door)) as server,
        exchange_with(server.url, tmp_path, frontdoor=Frontdoor(Redactor())) as exchange,
        pytest.raises(ReportError, match="password has expired") as caught,
    ):
        browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))

    assert (caught.value.kind, caught.value.permanent) == (ErrorKind.AUTH, True)


@pytest.mark.parametrize(
    "front_door", [response(503), response(200, b"<html><title>Salesforce</title>We are down for maintenance.</html>")]
)
def test_front_door_is_tried_again_after_a_failure_that_passes(front_door, tmp_path):
    """The token may well become a browser session: the next attempt sends it again."""
    doors = [front_door, BRIDGED]

    def answer(request):
        return org(doors.pop(0) if request.target == "/secur/frontdoor.jsp" else b"")(request)

    with (
        RawServer(answer) as server,
        exchange_with(server.url, tmp_path, frontdoor=Frontdoor(Redactor())) as exchange,
    ):
        with pytest.raises(ReportError) as caught:
            browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))
        assert (caught.value.kind, caught.value.is_retryable) == (ErrorKind.SERVER, True)
        browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))
        assert text_of(exchange) == CSV


def test_front_door_is_not_tried_when_the_route_is_forced(tmp_path):
    """`classic` is the export and nothing more."""
    with (
        RawServer(org(BRIDGED)) as server,
        exchange_with(server.url, tmp_path, frontdoor=Frontdoor(Redactor())) as exchange,
        pytest.raises(ReportError),
    ):
        browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA", route="classic")))

    assert len(server.received) == 1


def test_session_that_worked_is_lost_and_not_unfit(tmp_path):
    """After a success a log-in page means an expired session, which the front door would not fix."""
    replies = [response(200, CSV, Content_Type="text/csv"), response(200, LOGIN)]
    with (
        RawServer(lambda _: Reply([replies.pop(0)], "keep")) as server,
        exchange_with(server.url, tmp_path, frontdoor=Frontdoor(Redactor())) as exchange,
    ):
        browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))
        with pytest.raises(ReportError):
            browser_export.fetch(replace(exchange, report=report("00Oxx0000000001AAA")))

    assert len(server.received) == 2


def test_front_door_is_requested_once_for_all_threads(tmp_path):
    """Those that were refused at the same time wait for one answer."""
    frontdoor, found = Frontdoor(Redactor()), []
    with RawServer(org(BRIDGED)) as server, exchange_with(server.url, tmp_path, token=TOKEN) as exchange:

        def ask():
            found.append(frontdoor.open(exchange.session, exchange.transport, exchange.deadline))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.received) == 1
    assert {session.access_token.reveal() for session in found} == {SID}
