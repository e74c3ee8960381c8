"""sfr.salesforce.http.transport against servers that send exactly what a fault looks like on the wire."""

# ruff: noqa: SIM117 -- nested blocks show who outlives whom: the server outlives its clients

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.errors import ConfigurationError, ErrorKind, ReportError
from sfr.redaction import Secret
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import Request, Transport, TransportOptions, open_transport
from tests.certificates import serve_with_certificate
from tests.ports import refusing_port
from tests.raw_server import RawServer, ReceivedRequest, Reply, always, response

SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
CANARY = "00Dxx0000000001!CANARY.value"


@contextlib.contextmanager
def transport_of(**options: object) -> Iterator[Transport]:
    """A transport with these options, closed in the end."""
    transport = open_transport(TransportOptions(**options))
    try:
        yield transport
    finally:
        transport.close()


@pytest.fixture
def transport() -> Iterator[Transport]:
    """One with the defaults."""
    with transport_of() as opened:
        yield opened


def in_s(seconds: float = 20.0) -> Deadline:
    """A deadline so far away."""
    return Deadline.after(seconds, f"`fetch.timeout_s` ({seconds:g} s)")


def receive(transport: Transport, url: str, deadline: Deadline | None = None) -> bytes:
    """The whole body."""
    with transport.stream(Request("GET", url), deadline or in_s()) as answer:
        return b"".join(answer.chunks())


def failure(transport: Transport, url: str, deadline: Deadline | None = None) -> ReportError:
    """The error that a request ends with."""
    with pytest.raises(ReportError) as raised:
        receive(transport, url, deadline)
    return raised.value


def chunked(*parts: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """An answer in chunks, and how it ends."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + last


class TestWhole:
    def test_body_arrives_undecoded_when_it_is_gzip(self, transport: Transport) -> None:
        """What is received is what the server sent, byte for byte."""
        body = gzip.compress(b"a,b\n" * 1000, mtime=0)
        with RawServer(always(response(200, body, Content_Encoding="gzip"))) as server:
            with transport.stream(Request("GET", server.url + "/x?export=1"), in_s()) as answer:
                assert b"".join(answer.chunks()) == body
                assert (answer.status, answer.content_encoding, answer.is_framed) == (200, "gzip", True)
                assert answer.received_bytes == len(body)
                assert answer.request_clock_s <= answer.first_byte_clock_s <= time.monotonic()

    def test_request_has_accept_encoding_and_user_agent(self, transport: Transport) -> None:
        """Gzip and nothing else is accepted, and no cookie of an earlier response is sent back."""
        with RawServer(always(response(200, b"x", Set_Cookie="sid=planted; Path=/"))) as server:
            receive(transport, server.url)
            receive(transport, server.url)
            headers = server.received[1].headers
            assert headers["accept-encoding"] == "gzip"
            assert headers["user-agent"].startswith("sfr/")
            assert "cookie" not in headers

    def test_connection_is_used_again_when_the_body_was_read(self, transport: Transport) -> None:
        """Two requests, one connection."""
        with RawServer(always(chunked(b"one", b"two"))) as server:
            assert receive(transport, server.url) == b"onetwo"
            assert receive(transport, server.url) == b"onetwo"
            assert server.connections == 1

    def test_new_connection_is_made_when_the_server_closed_it_in_between(self, transport: Transport) -> None:
        """A pooled connection that ended while nobody looked costs no attempt."""
        with RawServer(always(response(200, b"x"), end="close")) as server:
            assert receive(transport, server.url) == b"x"
            assert server.hung_up.wait(20)
            assert receive(transport, server.url) == b"x"
            assert server.connections == 2

    def test_body_is_not_framed_when_only_the_end_of_the_connection_ends_it(self, transport: Transport) -> None:
        """Neither Content-Length nor chunks: received, but unproven."""
        with RawServer(always(b"HTTP/1.0 200 OK\r\n\r\nall of it", end="close")) as server:
            with transport.stream(Request("GET", server.url), in_s()) as answer:
                assert not answer.is_framed
                assert b"".join(answer.chunks()) == b"all of it"

    def test_body_is_read_whole_when_the_server_closes_the_connection(self, transport: Transport) -> None:
        """`Connection: close` takes the socket from the connection object, not from the answer."""
        body = b"z" * 300_000
        with RawServer(always(response(200, body, Connection="close"), end="close")) as server:
            assert receive(transport, server.url) == body

    def test_interim_answers_without_end_are_refused(self, transport: Transport) -> None:
        """They would keep a processor busy until the attempt's time is up."""
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        with RawServer(always(early * 100 + response(200, b"x"))) as server:
            assert receive(transport, server.url) == b"x"
        with RawServer(always(early * 101 + response(200, b"x"))) as server:
            assert failure(transport, server.url).kind is ErrorKind.NETWORK

    @pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
    def test_interim_answer_is_not_taken_for_the_answer(self, transport: Transport, interim: str) -> None:
        """Were it, the connection's next request would get this one's body."""
        body = {"/one": b"of one", "/two": b"of two"}
        early = f"HTTP/1.1 {interim}\r\nLink: </x>\r\n\r\n".encode()

        def answer(request: ReceivedRequest) -> Reply:
            return Reply([early, early, _Pause(0.05), response(200, body[request.target])], "keep")

        with RawServer(answer) as server:
            assert [receive(transport, server.url + target) for target in body] == list(body.values())
            assert server.connections == 1

    def test_request_inflates_gzip(self, transport: Transport) -> None:
        """A small answer is given decoded."""
        with RawServer(always(response(200, gzip.compress(b'{"a": 1}', mtime=0), Content_Encoding="gzip"))) as server:
            assert transport.send(Request("GET", server.url), in_s()).json() == {"a": 1}

    def test_request_refuses_gzip_that_grows_as_no_answer_does(self, transport: Transport) -> None:
        """Whatever size the caller expects, since threads share the memory; nothing but empty cells passes."""
        row = b'{"dataCells":[' + b'{"label":"-","value":null},' * 20 + b"]},"
        for text, is_refused in ((row * 20_000, False), (b" " * 9_000_000, True)):
            with RawServer(always(response(200, gzip.compress(text, mtime=0), Content_Encoding="gzip"))) as server:
                request = Request("GET", server.url)
                if not is_refused:
                    assert transport.send(request, in_s(), limit_bytes=2**29).body == text
                    continue
                with pytest.raises(ReportError, match="larger") as raised:
                    transport.send(request, in_s(), limit_bytes=2**29)
                assert raised.value.kind is ErrorKind.NOT_CSV

    def test_request_refuses_gzip_that_is_cut(self, transport: Transport) -> None:
        """A gzip stream without its end mark is not an answer, even if its framing is right."""
        with RawServer(
            always(response(200, gzip.compress(b"x" * 9999, mtime=0)[:-9], Content_Encoding="gzip"))
        ) as server:
            with pytest.raises(ReportError) as raised:
                transport.send(Request("GET", server.url), in_s())
            assert raised.value.kind is ErrorKind.TRUNCATED

    def test_request_refuses_an_answer_that_is_too_large(self, transport: Transport) -> None:
        """Neither a long body nor a gzip bomb gets into memory."""
        bomb = gzip.compress(b"\0" * 10_000_000, mtime=0)
        with RawServer(always(response(200, bomb, Content_Encoding="gzip"))) as server:
            with pytest.raises(ReportError, match="larger than"):
                transport.send(Request("GET", server.url), in_s(), limit_bytes=100_000)

    def test_excerpt_returns_what_arrived_when_an_error_answer_is_cut(self, transport: Transport) -> None:
        """A status is still a status if its body breaks off."""
        reply = b"HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\ntoo busy"
        with RawServer(always(reply, end="close")) as server:
            with transport.stream(Request("GET", server.url), in_s()) as answer:
                assert (answer.status, answer.excerpt()) == (503, "too busy")


class TestCut:
    @pytest.mark.parametrize(
        "reply",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.",
            chunked(b"some", last=b""),
            chunked(b"some", last=b"ff\r\nless"),
            chunked(b"some", last=b"no size\r\n"),
        ],
        ids=["short of Content-Length", "no last chunk", "inside a chunk", "no chunk size"],
    )
    def test_body_is_truncated_when_its_framing_is_not_fulfilled(self, transport: Transport, reply: bytes) -> None:
        """A body that ends before its announced end is `truncated`, and may be requested again."""
        with RawServer(always(reply, end="close")) as server:
            error = failure(transport, server.url)
        assert error.kind is ErrorKind.TRUNCATED
        assert error.is_retryable

    def test_reset_in_the_body_is_a_network_error(self, transport: Transport) -> None:
        """A reset says nothing about the report."""
        # Given a server that resets once the client has seen the beginning
        seen = threading.Event()
        begun = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + b"x" * 300_000
        with RawServer(always(begun, seen, end="reset")) as server:
            with transport.stream(Request("GET", server.url), in_s()) as answer:
                chunks = answer.chunks()
                assert next(chunks)
                seen.set()
                with pytest.raises(ReportError) as raised:
                    list(chunks)
        assert raised.value.kind is ErrorKind.NETWORK
        assert raised.value.is_retryable
        assert "reset" in raised.value.message

    def test_chunk_of_a_negative_size_is_not_read_to_the_end(self, transport: Transport) -> None:
        """`-1` means "everything" to Python: the rest of an endless body would be in memory before anyone looked."""
        with RawServer(always(chunked(b"some", last=b"-1\r\n"), threading.Event())) as server:
            error = failure(transport, server.url)
            assert not server.hung_up.is_set()
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)

    @pytest.mark.parametrize(
        "reply",
        [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nContent-Len", b"HTTP/1.1 200 OK\r\nX: y\r\n", SWITCHED],
        ids=["nothing", "another protocol", "inside a header", "between headers", "switched protocols"],
    )
    def test_answer_is_a_network_error_when_it_ends_before_its_body(self, transport: Transport, reply: bytes) -> None:
        """Headers that stop are no empty report."""
        with RawServer(always(reply, end="close")) as server:
            error = failure(transport, server.url)
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)

    @pytest.mark.parametrize("header", ["Content-Encoding: br", "Content-Encoding: gzip, gzip"])
    def test_encoding_that_was_not_requested_is_refused(self, transport: Transport, header: str) -> None:
        """Bytes that SFR cannot undo are never handed on."""
        with RawServer(always(f"HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 1\r\n\r\nx".encode())) as server:
            error = failure(transport, server.url)
        assert error.kind is ErrorKind.NOT_CSV
        assert not error.is_retryable

    def test_refused_connection_is_a_network_error(self, transport: Transport) -> None:
        """Nobody listens."""
        with refusing_port() as port:
            error = failure(transport, f"http://127.0.0.1:{port}/?secret={CANARY}")
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)
        assert "refused" in error.message
        assert CANARY not in str(error)

    def test_unknown_host_is_a_network_error(self, transport: Transport) -> None:
        """A name that does not exist (RFC 6761: `.invalid` never does)."""
        error = failure(transport, "http://no-such-org.invalid/")
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)
        assert "no-such-org.invalid was not found" in error.message


class TestLimits:
    def test_no_first_byte_is_a_timeout(self, transport: Transport) -> None:
        """Before the first byte only the deadline counts."""
        with RawServer(always(threading.Event())) as server:
            error = failure(transport, server.url, in_s(0.3))
            assert error.kind is ErrorKind.TIMEOUT
            assert "No first byte" in error.message
            assert "0.3 s" in error.message

    def test_silence_before_the_first_byte_is_tolerated_longer_than_idle_timeout(self) -> None:
        """Salesforce thinks: idle_timeout_s begins with the first byte."""
        release = threading.Event()
        with transport_of(idle_timeout_s=0.05) as transport, RawServer(always(release, response(200, b"x"))) as server:
            timer = threading.Timer(0.5, release.set)
            timer.start()
            assert receive(transport, server.url) == b"x"
            timer.join()

    @pytest.mark.parametrize(
        "begun",
        [b"HTTP/1.1 200 OK\r\nX-A: b\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", chunked(b"ab", last=b"")],
        ids=["in the headers", "in the body", "between chunks"],
    )
    def test_silence_is_a_timeout_when_the_answer_has_begun(self, begun: bytes) -> None:
        """idle_timeout_s applies wherever the answer stops."""
        with transport_of(idle_timeout_s=0.2) as transport, RawServer(always(begun, threading.Event())) as server:
            error = failure(transport, server.url)
            assert error.kind is ErrorKind.TIMEOUT
            assert "idle_timeout_s" in error.message

    @pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
    def test_drip_is_a_timeout_when_it_is_slower_than_the_minimum(self, head: bytes) -> None:
        """Single bytes keep no exchange alive, in the headers neither."""
        drip: list[bytes | threading.Event] = [head]
        for _ in range(200):
            drip += [_Pause(0.02), b"x"]
        with transport_of(min_bytes_per_s=1000, speed_window_s=0.3) as transport:
            with RawServer(always(*drip, end="close")) as server:
                error = failure(transport, server.url)
        assert error.kind is ErrorKind.TIMEOUT
        assert "min_bytes_per_s" in error.message

    def test_endless_body_is_a_timeout_at_the_deadline(self, transport: Transport) -> None:
        """However fast it comes."""
        block = b"x" * 65536
        endless = [b"HTTP/1.1 200 OK\r\n\r\n", *[block] * 200_000]
        with RawServer(always(*endless, end="close")) as server:
            error = failure(transport, server.url, in_s(0.5))
        assert error.kind is ErrorKind.TIMEOUT
        assert "fetch.timeout_s" in error.message

    def test_slow_reader_is_no_slow_server(self) -> None:
        """Time that SFR spends elsewhere counts neither as idle nor as slow."""
        parts = [b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n", b"x" * 600_000]
        with transport_of(min_bytes_per_s=1000, speed_window_s=0.2, idle_timeout_s=0.2) as transport:
            with RawServer(always(*parts)) as server, transport.stream(Request("GET", server.url), in_s()) as answer:
                total = 0
                for number, chunk in enumerate(answer.chunks()):
                    total += len(chunk)
                    if number == 0:
                        threading.Event().wait(0.5)
                assert total == 600_000


class _Pause(threading.Event):
    """An event nobody sets: a wait of its own length."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(self._seconds)
        return True


class TestStop:
    @pytest.mark.parametrize(
        "begun",
        [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab"],
        ids=["before the first byte", "in the body", "in a body without end mark"],
    )
    def test_abort_ends_a_read_that_waits(self, transport: Transport, begun: bytes) -> None:
        """A stop ends what is in flight at once, as `interrupted`."""
        arrived = threading.Event()

        def answer(_: ReceivedRequest) -> Reply:
            arrived.set()
            return Reply([begun, threading.Event()])

        with RawServer(answer) as server:
            stopper = threading.Thread(target=lambda: (arrived.wait(20), transport.abort()))
            stopper.start()
            error = failure(transport, server.url)
            stopper.join()
            assert error.kind is ErrorKind.INTERRUPTED
            assert not error.is_retryable

    def test_nothing_is_sent_when_the_stop_came_first(self, transport: Transport) -> None:
        """An aborted transport stays aborted."""
        transport.abort()
        with RawServer(always(response())) as server:
            assert failure(transport, server.url).kind is ErrorKind.INTERRUPTED
            assert transport.is_aborted
            assert server.received == []


class TestRedirects:
    def test_redirect_is_followed_with_its_cookie_when_it_stays_on_the_host(self, transport: Transport) -> None:
        """Same scheme, host and port: the request is repeated as it was."""

        def answer(request: ReceivedRequest) -> Reply:
            return Reply(
                [response(302, Location="/b?x=1") if request.target == "/a" else response(200, b"here")], "keep"
            )

        with RawServer(answer) as server:
            request = Request("GET", server.url + "/a", {"Cookie": f"sid={CANARY}"})
            with transport.stream(request, in_s()) as answer_:
                assert b"".join(answer_.chunks()) == b"here"
                assert answer_.url == server.url + "/b?x=1"
            assert [request.headers["cookie"] for request in server.received] == [f"sid={CANARY}"] * 2

    def test_another_host_never_sees_a_request_when_it_is_redirected_to(self, transport: Transport) -> None:
        """Another port is another host; the error is permanent and quotes no path."""
        with RawServer(always(response(200, b"caught"))) as other:
            reply = response(302, Location=f"{other.url}/steal?{CANARY}")
            with RawServer(always(reply)) as server:
                request = Request("GET", server.url, {"Cookie": f"sid={CANARY}", "Authorization": f"Bearer {CANARY}"})
                with pytest.raises(ReportError) as raised, transport.stream(request, in_s()):
                    pass
            assert other.received == []
            assert other.connections == 0
        assert (raised.value.kind, raised.value.is_retryable) == (ErrorKind.NETWORK, False)
        assert raised.value.http_status == 302
        assert CANARY not in str(raised.value)

    def test_redirect_loop_ends_after_five(self, transport: Transport) -> None:
        """Six requests, then `network`, for good."""
        with RawServer(always(response(302, Location="/again"))) as server:
            error = failure(transport, server.url)
            assert len(server.received) == 6
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, False)
        assert "redirect loop" in error.message

    def test_login_redirect_is_auth_without_another_request(self, transport: Transport) -> None:
        """A log-in page is not fetched to see that it is one."""
        with RawServer(always(response(302, Location="/?ec=302&startURL=%2F00O"))) as server:
            assert failure(transport, server.url).kind is ErrorKind.AUTH
            assert len(server.received) == 1

    def test_post_is_never_redirected(self, transport: Transport) -> None:
        """A body with credentials goes where it was sent, or nowhere."""
        with RawServer(always(response(307, Location="/elsewhere"))) as server:
            with pytest.raises(ReportError) as raised:
                transport.send(Request("POST", server.url, body=b"secret"), in_s())
            assert len(server.received) == 1
        assert not raised.value.is_retryable


class TestTls:
    def test_body_is_received_when_the_bundle_holds_the_authority(self, tmp_path: Path) -> None:
        """ca_bundle: a PEM file."""
        context, bundle = serve_with_certificate(tmp_path)
        with transport_of(ca_bundle=str(bundle)) as transport:
            with RawServer(always(response(200, b"x" * 100_000)), tls=context) as server:
                assert receive(transport, server.url) == b"x" * 100_000
                assert receive(transport, server.url) == b"x" * 100_000
                assert server.connections == 1

    def test_abort_ends_a_read_that_waits_on_tls(self, tmp_path: Path) -> None:
        """The stop works below TLS."""
        context, bundle = serve_with_certificate(tmp_path)
        arrived = threading.Event()

        def answer(_: ReceivedRequest) -> Reply:
            arrived.set()
            return Reply([threading.Event()])

        with transport_of(ca_bundle=str(bundle)) as transport, RawServer(answer, tls=context) as server:
            stopper = threading.Thread(target=lambda: (arrived.wait(20), transport.abort()))
            stopper.start()
            assert failure(transport, server.url).kind is ErrorKind.INTERRUPTED
            stopper.join()

    @pytest.mark.parametrize(
        ("host", "expired_days_ago", "is_trusted", "words"),
        [
            ("127.0.0.1", -30, False, "self-signed"),
            ("other.example.com", -30, True, "not for"),
            ("127.0.0.1", 3, True, "has expired"),
        ],
    )
    def test_bad_certificate_is_permanent_and_named(
        self, tmp_path: Path, host: str, expired_days_ago: int, is_trusted: bool, words: str
    ) -> None:
        """Which failure it is, what to do, and no other attempt."""
        context, bundle = serve_with_certificate(tmp_path, host=host, expired_days_ago=expired_days_ago)
        with transport_of(ca_bundle=str(bundle) if is_trusted else None) as transport:
            with RawServer(always(response()), tls=context) as server:
                error = failure(transport, server.url)
                assert server.received == []
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, False)
        assert words in error.message

    def test_system_store_does_not_trust_a_stranger(self, tmp_path: Path) -> None:
        """ca_bundle: system."""
        context, _ = serve_with_certificate(tmp_path)
        with transport_of(ca_bundle="system") as transport, RawServer(always(response()), tls=context) as server:
            assert not failure(transport, server.url).is_retryable

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_bundle_that_holds_nothing_is_a_configuration_error(self, tmp_path: Path, content: str | None) -> None:
        """Said before the run, with the key."""
        bundle = tmp_path / "bundle.pem"
        if content:
            bundle.write_text(content)
        with pytest.raises(ConfigurationError, match=r"salesforce\.ca_bundle"):
            open_transport(TransportOptions(ca_bundle=str(bundle)))


class TestProxy:
    def test_plain_request_goes_through_the_proxy_with_its_password(self) -> None:
        """A forwarding proxy gets the whole URL."""
        with RawServer(always(response(200, b"by proxy"))) as proxy:
            url = f"http://user:pa%40ss@127.0.0.1:{proxy.port}"
            with transport_of(proxy=Secret(url)) as transport:
                assert receive(transport, "http://127.0.0.9:9/path") == b"by proxy"
            assert proxy.received[0].target == "http://127.0.0.9:9/path"
            assert proxy.received[0].headers["proxy-authorization"].startswith("Basic ")

    def test_refusing_proxy_is_named(self) -> None:
        """407 is for good."""
        reply = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
        with RawServer(always(reply, end="close")) as proxy, transport_of(proxy=proxy.url) as transport:
            error = failure(transport, "https://acme.my.salesforce.com/")
            assert proxy.received[0].method == "CONNECT"
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, False)
        assert "407" in error.message

    @pytest.mark.parametrize("reply", [b"", b"220 mail ESMTP\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000])
    def test_server_that_is_no_proxy_is_tried_again(self, reply: bytes) -> None:
        """A proxy that hangs up or talks nonsense may be back soon."""
        with RawServer(always(reply, end="close")) as proxy, transport_of(proxy=proxy.url) as transport:
            error = failure(transport, "https://acme.my.salesforce.com/")
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)
        assert "proxy" in error.message

    @pytest.mark.parametrize(
        ("status", "is_retryable", "says"),
        [
            (407, False, "user name"),
            (403, False, "does not allow"),
            (405, False, "not be a proxy"),
            (501, False, "not be a proxy"),
            (429, True, "busy"),
            (503, True, "cannot reach"),
            (599, True, "failed"),
        ],
    )
    def test_what_a_proxy_refuses_is_said_in_our_words(self, status: int, is_retryable: bool, says: str) -> None:
        """Its reason phrase may repeat the password that it was sent, in any encoding; its name is no secret."""
        reply = f"HTTP/1.1 {status} Basic dXNlcjpzM2NyZXQ= user:s3cret')))\x1b[31m\r\nContent-Length: 0\r\n\r\n"
        with RawServer(always(reply.encode(), end="close")) as proxy:
            address = f"127.0.0.1:{proxy.port}"
            with transport_of(proxy=Secret(f"http://user:s3cret@{address}")) as transport:
                error = failure(transport, "https://acme.my.salesforce.com/")
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, is_retryable)
        assert f"The proxy {address} " in error.message
        assert says in error.message
        assert str(status) in error.message
        assert not [text for text in ("s3cret", "dXNlcj", "')", "\x1b") if text in str(error)]

    @pytest.mark.parametrize("url", ["https://acme.my.salesforce.com/", "http://127.0.0.9:9/"])
    @pytest.mark.parametrize(
        ("proxy", "says"),
        [
            ("proxy.invalid:3128", "host name of the proxy proxy.invalid:3128 was not found"),
            ("127.0.0.1:1", "The proxy 127.0.0.1:1 cannot be reached (Connection refused)"),
        ],
    )
    def test_proxy_that_cannot_be_reached_is_named(self, url: str, proxy: str, says: str) -> None:
        """The org has nothing to do with it, and its name is not looked up here at all."""
        with transport_of(proxy=Secret(f"http://user:s3cret@{proxy}")) as transport:
            error = failure(transport, url)
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)
        assert says in error.message
        assert "salesforce.proxy" in error.remedy
        assert "s3cret" not in str(error)

    def test_answer_that_breaks_behind_a_proxy_names_both(self) -> None:
        """Either may have hung up."""
        with RawServer(always(b"", end="close")) as proxy, transport_of(proxy=proxy.url) as transport:
            error = failure(transport, "http://127.0.0.9:9/")
            assert f"127.0.0.9:9 through the proxy 127.0.0.1:{proxy.port}" in error.message

    @pytest.mark.parametrize("url", ["socks5://u:s3cret@h:1", "http://u:s3cret@[bad", "http://u:s3cret@/"])
    def test_wrong_proxy_of_the_environment_is_for_good(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        """Nobody has checked the variable before."""
        monkeypatch.setenv("https_proxy", url)
        with transport_of(proxy="env") as transport:
            error = failure(transport, "https://acme.my.salesforce.com/")
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, False)
        assert "proxy" in error.message
        assert "s3cret" not in str(error)

    def test_dripping_proxy_is_given_up(self) -> None:
        """Its answer to CONNECT is part of making a connection, which `connect_timeout_s` bounds."""
        drip: list[bytes | threading.Event] = [b"HTTP/1.1 200 OK\r\nX: "]
        for _ in range(500):
            drip += [_Pause(0.1), b"x"]
        with RawServer(always(*drip, end="close")) as proxy:
            with transport_of(proxy=proxy.url, connect_timeout_s=0.5) as transport:
                error = failure(transport, "https://acme.my.salesforce.com/")
            assert proxy.hung_up.wait(20)
        assert (error.kind, error.is_retryable) == (ErrorKind.NETWORK, True)

    def test_abort_ends_a_wait_for_the_proxy(self) -> None:
        """The stop reaches connections that are still being made."""
        arrived = threading.Event()

        def answer(_: ReceivedRequest) -> Reply:
            arrived.set()
            return Reply([threading.Event()])

        with RawServer(answer) as proxy, transport_of(proxy=proxy.url, connect_timeout_s=20) as transport:
            stopper = threading.Thread(target=lambda: (arrived.wait(20), transport.abort()))
            stopper.start()
            assert failure(transport, "https://acme.my.salesforce.com/").kind is ErrorKind.INTERRUPTED
            stopper.join()

    def test_environment_counts_only_when_configured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`proxy: env` honours HTTP_PROXY and NO_PROXY; null does not look."""
        with RawServer(always(response(200, b"direct"))) as server, RawServer(always(response(200, b"proxy"))) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "")
            with transport_of() as plain, transport_of(proxy="env") as by_environment:
                assert receive(plain, server.url) == b"direct"
                assert receive(by_environment, server.url) == b"proxy"
                monkeypatch.setenv("no_proxy", "127.0.0.1")
                assert receive(by_environment, server.url) == b"direct"

    def test_missing_proxy_of_the_environment_is_named_when_no_connection_is_made(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A service's environment is often not that of the shell in which the set-up was made."""
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        url = "https://sfr-no-such-host.invalid/"
        with transport_of() as plain, transport_of(proxy="env") as by_environment:
            assert "HTTPS_PROXY" not in failure(plain, url).message
            assert "(without a proxy: see HTTPS_PROXY and NO_PROXY)" in failure(by_environment, url).message

    def test_tunnel_is_watched_too(self, tmp_path: Path) -> None:
        """Through CONNECT, the limits of the exchange still hold."""
        context, bundle = serve_with_certificate(tmp_path)
        with RawServer(always(threading.Event()), tls=context) as server, _Tunnel() as proxy:
            with transport_of(ca_bundle=str(bundle), proxy=proxy.url) as transport:
                error = failure(transport, server.url, in_s(0.5))
                assert error.kind is ErrorKind.TIMEOUT
                assert proxy.tunnels == 1

    @pytest.mark.parametrize("is_silent", [False, True])
    def test_proxy_may_speak_tls_itself(self, tmp_path: Path, is_silent: bool) -> None:
        """TLS inside TLS is read, watched and ended like everything else."""
        context, bundle = serve_with_certificate(tmp_path)
        reply = always(threading.Event()) if is_silent else always(response(200, b"x" * 300_000))
        with RawServer(reply, tls=context) as server, _Tunnel(context) as proxy:
            with transport_of(ca_bundle=str(bundle), proxy=proxy.url) as transport:
                if is_silent:
                    assert failure(transport, server.url, in_s(0.5)).kind is ErrorKind.TIMEOUT
                else:
                    assert receive(transport, server.url) == b"x" * 300_000
                transport.abort()

    def test_socks_is_a_configuration_error(self) -> None:
        """SOCKS would need another library, whose sockets nobody watches."""
        with pytest.raises(ConfigurationError, match=r"salesforce\.proxy"):
            open_transport(TransportOptions(proxy="socks5://127.0.0.1:1"))


class _Tunnel:
    """A proxy that only knows CONNECT, and one client."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tunnels = 0
        self._tls = tls

    def __enter__(self) -> _Tunnel:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(20)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            self.tunnels += 1
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
            with client:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                host, port = head.split()[1].decode().split(":")
                with socket.create_connection((host, int(port))) as target:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=self._pump, args=(target, client), daemon=True)
                    back.start()
                    self._pump(client, target)
                    back.join(20)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
