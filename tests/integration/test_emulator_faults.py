"""Every scripted fault over real sockets: what a client sees is what the documentation says."""

from __future__ import annotations

import http.client
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import pytest
import requests
import urllib3

from sfr.emulator import Emulator

REPORT = "Accounts by City"


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    """One emulator for the module."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def org(shared: Emulator) -> Emulator:
    """The shared emulator without rules and with an empty log."""
    shared.set_rules()
    shared.requests.clear()
    return shared


@dataclass
class Seen:
    """An answer as it came over the wire; broken = the body ended against its framing."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes
    broken: bool


def fetch(org: Emulator, *, accept: str = "gzip", most: int = 5_000_000) -> Seen:
    """One export, undecoded, as far as it comes."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", int(org.url.rpartition(":")[2]), timeout=30, retries=False)
    headers = {"Cookie": f"sid={org.sid}", "Accept-Encoding": accept}
    body, broken = bytearray(), False
    try:
        answer = pool.urlopen(
            "GET", f"/{org.report(REPORT).id}?export=1", headers=headers, preload_content=False, redirect=False
        )
        try:
            while len(body) < most and (piece := answer.read1(65_536, decode_content=False)):
                body += piece
        except urllib3.exceptions.HTTPError:
            broken = True
        answer.close()
        return Seen(answer.status, answer.headers, bytes(body), broken)
    finally:
        pool.close()


def whole(org: Emulator) -> bytes:
    """The report's data."""
    return b"".join(org.expected_csv(REPORT))


@pytest.mark.parametrize("how", ["close", "reset", "garbage"])
def test_refuse_gives_no_answer(org: Emulator, how: str) -> None:
    """The connection ends, or something that is not HTTP comes."""
    org.set_rules({"report": REPORT, "action": "refuse", "how": how})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        fetch(org)


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "reset", "after_bytes": 5_000},
        {"action": "reset", "after_bytes": 10**9},
        {"action": "close"},
        {"action": "close", "after_bytes": 5_000},
        {"action": "short_length"},
        {"action": "short_length", "after_bytes": 5_000},
    ],
)
def test_broken_framing_is_seen_by_any_client(org: Emulator, rule: dict[str, object]) -> None:
    """Resets, missing last chunks and short bodies are protocol errors."""
    org.set_rules({"report": REPORT, **rule})
    seen = fetch(org)
    assert seen.status == 200
    assert seen.broken


@pytest.mark.parametrize("framing", ["chunked", "length"])
@pytest.mark.parametrize("after_bytes", [2_000, 10**9])
def test_cut_gzip_keeps_framing_valid(org: Emulator, framing: str, after_bytes: int) -> None:
    """The HTTP body ends regularly, the gzip stream does not: only its end shows that."""
    org.set_rules({"report": REPORT, "action": "cut_gzip", "framing": framing, "after_bytes": after_bytes})
    seen = fetch(org)
    inflater = zlib.decompressobj(31)
    inflater.decompress(seen.body)
    assert not seen.broken
    assert not inflater.eof
    assert ("Content-Length" in seen.headers) == (framing == "length")


def test_damaged_gzip_is_found_by_a_strict_reader(org: Emulator) -> None:
    """Wrong CRC and garbage raise, a missing trailer leaves no end mark, trailing bytes stay over."""
    for kind in ("bad_crc", "garbage"):
        org.set_rules({"report": REPORT, "action": "spoilt_gzip", "kind": kind})
        with pytest.raises(zlib.error):
            zlib.decompressobj(31).decompress(fetch(org).body)
    org.set_rules({"report": REPORT, "action": "spoilt_gzip", "kind": "no_trailer"})
    inflater = zlib.decompressobj(31)
    assert inflater.decompress(fetch(org).body).startswith(whole(org))
    assert not inflater.eof
    org.set_rules({"report": REPORT, "action": "spoilt_gzip", "kind": "trailing"})
    inflater = zlib.decompressobj(31)
    inflater.decompress(fetch(org).body)
    assert inflater.unused_data


@pytest.mark.parametrize("accept", ["gzip", "identity"])
def test_cut_content_ends_at_a_clean_end_of_stream(org: Emulator, accept: str) -> None:
    """Framing and gzip are valid; the text is shorter, each time at its own place."""

    def body(**options: object) -> bytes:
        org.set_rules({"report": REPORT, "action": "cut_content", **options})
        seen = fetch(org, accept=accept)
        assert not seen.broken
        return zlib.decompress(seen.body, 31) if accept == "gzip" else seen.body

    data = whole(org)
    assert body(at="before_footer") == data
    assert body(at="in_row") == data[:-3]
    assert body(at="in_quotes").startswith(data + b'"')
    assert body(at="after_bytes", after_bytes=700) == data[:700]
    assert body(at="after_bytes", after_bytes=10**9) == data[:-3]
    for lines in range(4):
        end = body(at="in_footer", footer_lines=lines)[len(data) :]
        assert end.startswith(b"\n\n")
        assert end.count(b"\n") == 2 + lines


def test_other_framings_carry_the_whole_report(org: Emulator) -> None:
    """Content-Length, no framing at all, and no gzip are no faults of the data."""
    for action, header in (("content_length", "Content-Length"), ("close_delimited", "Connection")):
        org.set_rules({"report": REPORT, "action": action})
        seen = fetch(org)
        assert header in seen.headers
        assert "Transfer-Encoding" not in seen.headers
        assert zlib.decompress(seen.body, 31).startswith(whole(org))
    org.set_rules({"report": REPORT, "action": "close_delimited", "after_bytes": 3_000})
    assert len(fetch(org).body) == 3_000
    org.set_rules({"report": REPORT, "action": "plain"})
    assert fetch(org).body.startswith(whole(org))
    org.set_rules({"report": REPORT, "action": "encoding", "name": "zstd"})
    assert fetch(org).headers["Content-Encoding"] == "zstd"


def test_answers_in_place_of_the_report(org: Emulator) -> None:
    """Empty bodies, pages, statuses with Retry-After, REST errors."""
    org.set_rules({"report": REPORT, "action": "empty"})
    assert (fetch(org).status, fetch(org).body) == (200, b"")
    for page, text in (
        ("login", b"Login | Salesforce"), ("session_lost", b"ec=302"), ("challenge", b"Verify Your Identity"),
        ("lightning", b"auraConfig"), ("insufficient_privileges", b"Insufficient Privileges"),
        ("url_no_longer_exists", b"URL No Longer Exists"), ("maintenance", b"maintenance"), ("other", b"<html>"),
    ):  # fmt: skip
        org.set_rules({"report": REPORT, "action": "html", "page": page, "blank_lines": 2})
        body = fetch(org, accept="identity").body
        assert body.startswith(b"\n\n")
        assert text in body
    org.set_rules({"report": REPORT, "action": "status", "code": 503, "retry_after": 2})
    assert (fetch(org).status, fetch(org).headers["Retry-After"]) == (503, "2")
    org.set_rules({"report": REPORT, "action": "status", "code": 429, "retry_after": "date:30"})
    ahead = parsedate_to_datetime(fetch(org).headers["Retry-After"]).timestamp() - time.time()
    assert 0 < ahead <= 31
    org.set_rules({"report": REPORT, "action": "status", "code": 403, "error_code": "REQUEST_LIMIT_EXCEEDED"})
    assert b'"errorCode": "REQUEST_LIMIT_EXCEEDED"' in fetch(org, accept="identity").body


@pytest.mark.parametrize(
    ("to", "start"),
    [
        ("login", "{url}/?ec=302"),
        ("login_other_host", "https://login.salesforce.com/"),
        ("challenge", "{url}/_ui/identity/verification/"),
        ("loop", "/00O"),
        ("http", "http://127.0.0.1"),
        ("other_host", "https://elsewhere.example/00O"),
        ("other_port", "http://127.0.0.1:9/00O"),
        ("salesforce_host", "https://acme--renamed.my.salesforce.com/00O"),
        ("https://x.example/y", "https://x.example/y"),
    ],
)
def test_redirects_go_where_the_scenario_says(org: Emulator, to: str, start: str) -> None:
    """Each known place, and any URL."""
    org.set_rules({"report": REPORT, "action": "redirect", "to": to, "status": 301})
    seen = fetch(org)
    assert seen.status == 301
    assert seen.headers["Location"].startswith(start.format(url=org.url))


def test_redirect_hops_never_repeat_an_address(org: Emulator) -> None:
    """A client that follows `hop` gives up only by its own limit."""
    org.set_rules({"report": REPORT, "action": "redirect", "to": "hop"})
    url = f"{org.url}/{org.report(REPORT).id}?export=1"
    with requests.Session() as session, pytest.raises(requests.TooManyRedirects):
        session.get(url, headers={"Cookie": f"sid={org.sid}"}, timeout=30)
    targets = [record.request.target for record in org.requests.records("export")]
    assert len(targets) == len(set(targets)) > 20


def test_attempts_choose_the_requests_of_each_report(org: Emulator) -> None:
    """Attempts count per report, over all requests; the first fitting rule wins."""
    org.set_rules(
        {"report": "*", "attempts": "1", "action": "status", "code": 500},
        {"report": REPORT, "attempts": "2-3", "action": "status", "code": 503},
    )
    assert [fetch(org).status for _ in range(4)] == [500, 503, 503, 200]
    other = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
    assert requests.get(other, headers={"Cookie": f"sid={org.sid}"}, timeout=30).status_code == 500


def test_path_rules_reach_other_endpoints(org: Emulator) -> None:
    """Log-ins and REST calls fail on order too."""
    org.set_rules(
        {"path": "/services/data/*/limits", "attempts": 1, "action": "status", "code": 503, "page": "maintenance"}
    )
    headers = {"Authorization": f"Bearer {org.sid}"}
    url = f"{org.url}/services/data/v64.0/limits"
    assert [requests.get(url, headers=headers, timeout=30).status_code for _ in range(2)] == [503, 200]


def test_stall_and_delay_end_when_the_emulator_stops() -> None:
    """Stopping ends silent connections at once, and leaves no thread behind."""
    before = threading.active_count()
    with Emulator(
        {"rules": [{"report": REPORT, "action": "stall"}, {"path": "/services/data", "delay_s": 1000}]}
    ) as org:
        port = int(org.url.rpartition(":")[2])
        silent = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(2)]
        silent[0].request("GET", f"/{org.report(REPORT).id}?export=1", headers={"Cookie": f"sid={org.sid}"})
        silent[1].request("GET", "/services/data")
        assert org.requests.wait_for(lambda log: log.in_flight == 2)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    for connection in silent:
        connection.close()
    assert threading.active_count() <= before


def test_stall_ends_when_the_client_leaves(org: Emulator) -> None:
    """A client that gives up frees its place."""
    org.set_rules({"report": REPORT, "action": "stall", "after_bytes": 100})
    connection = http.client.HTTPConnection("127.0.0.1", int(org.url.rpartition(":")[2]), timeout=30)
    connection.request("GET", f"/{org.report(REPORT).id}?export=1", headers={"Cookie": f"sid={org.sid}"})
    answer = connection.getresponse()
    assert len(answer.read(100)) == 100
    answer.close()
    connection.close()
    assert org.requests.wait_for(lambda log: log.in_flight == 0)
    assert org.requests.records("export")[0].ended is False


def test_endless_bodies_and_bombs_flow_until_the_client_leaves(org: Emulator) -> None:
    """Both send more than any limit; the bomb's wire size is small."""
    org.set_rules({"report": REPORT, "action": "endless"})
    assert len(fetch(org, accept="identity", most=3_000_000).body) >= 3_000_000
    org.set_rules({"report": REPORT, "action": "gzip_bomb", "size_bytes": 50 << 20})
    packed = fetch(org).body
    assert len(packed) < 500_000
    assert len(zlib.decompress(packed, 31)) > 50 << 20


def test_concurrency_limit_refuses_what_exceeds_it() -> None:
    """Over the limit: 403 REQUEST_LIMIT_EXCEEDED; places come back."""
    with Emulator({"org": {"concurrency_limit": 1}}) as org:
        org.set_rules({"report": REPORT, "attempts": 1, "action": "stall"})
        connection = http.client.HTTPConnection("127.0.0.1", int(org.url.rpartition(":")[2]), timeout=30)
        headers = {"Cookie": f"sid={org.sid}"}
        connection.request("GET", f"/{org.report(REPORT).id}?export=1", headers=headers)
        assert org.requests.wait_for(lambda log: log.in_flight == 1)
        url = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
        refused = requests.get(url, headers=headers, timeout=30)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        connection.close()
        assert org.requests.wait_for(lambda log: log.in_flight == 0)
        assert requests.get(url, headers=headers, timeout=30).status_code == 200


def test_sessions_end_after_the_ordered_number_of_exports() -> None:
    """The N-th export still arrives; the next one gets the session-lost page, REST gets 401."""
    with Emulator({"org": {"lose_sessions_after": 2}}) as org:
        url = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
        headers = {"Cookie": f"sid={org.sid}"}
        kinds = [requests.get(url, headers=headers, timeout=30).headers["Content-Type"][:9] for _ in range(3)]
        assert kinds == ["text/csv;", "text/csv;", "text/html"]
        rest = requests.get(
            f"{org.url}/services/data/v64.0/limits", headers={"Authorization": f"Bearer {org.sid}"}, timeout=30
        )
        assert rest.status_code == 401
        assert (
            requests.get(url, headers={"Cookie": f"sid={org.new_sid()}"}, timeout=30).headers["Content-Type"][:8]
            == "text/csv"
        )


def test_step_up_stops_browser_sessions_until_they_are_verified() -> None:
    """Exports of a browser-type session are sent to the challenge; API sessions and verified ones are not."""
    with Emulator({"org": {"step_up": "browser"}}) as org:
        url = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
        headers = {"Cookie": f"sid={org.sid}"}
        refused = requests.get(url, headers=headers, timeout=30, allow_redirects=False)
        assert refused.status_code == 302
        assert "/_ui/identity/verification/" in refused.headers["Location"]
        assert "Verify Your Identity" in requests.get(refused.headers["Location"], timeout=30).text
        api = {"Cookie": f"sid={org.new_sid('oauth')}"}
        assert requests.get(url, headers=api, timeout=30).headers["Content-Type"].startswith("text/csv")
        org.verify_step_up()
        assert requests.get(url, headers=headers, timeout=30).headers["Content-Type"].startswith("text/csv")
