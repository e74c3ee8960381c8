"""The classic export as it is received."""

import tracemalloc
from dataclasses import replace

import pytest

from sfr.salesforce.http.responses import CHUNK_BYTES
from sfr.salesforce.routes import classic
from tests.connector_exchange import exchange_with, report, text_of
from tests.raw_server import RawServer, Reply

BODY = b'"Column"\n' + b'"a value"\n' * (20 * CHUNK_BYTES // 10)
FRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY)


@pytest.mark.parametrize("pieces", [(FRAMED, BODY), (CHUNKED, BODY, b"\r\n0\r\n\r\n")], ids=["framed", "chunked"])
def test_export_is_received_in_the_memory_of_one_piece_when_it_is_large(pieces, tmp_path):
    """Each thread holds the piece that has just come, from the first to the last, and no other beside it."""
    with RawServer(lambda _: Reply(pieces, end="keep")) as server:
        with exchange_with(server.url, tmp_path) as loads_what_is_needed:
            classic.fetch(replace(loads_what_is_needed, report=report("00OE0000002wlroMAA")))

        with exchange_with(server.url, tmp_path) as exchange:
            tracemalloc.start()
            try:
                classic.fetch(replace(exchange, report=report("00OE0000002wlroMAA")))
                _, peak_bytes = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()

            assert text_of(exchange) == BODY
    assert peak_bytes < 2 * CHUNK_BYTES
