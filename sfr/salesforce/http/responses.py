"""HTTP responses: one whose body is still being received, and a small one that has been read in full.

Bodies are handed on as received: gzip is not decoded here, so that the worker can verify its end marker and checksum.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sfr.body.inflate import inflated, inflated_start
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.wording import shortened

#: Bytes per chunk of a body; urllib3 combines smaller HTTP chunks. Measured on 400 MB: doubling it costs each thread
#: 0.3 MB more and saves nothing, halving it costs a tenth more CPU time.
CHUNK_BYTES = 262_144

#: How much of an error response is read.
EXCERPT_BYTES = 65_536

#: Largest ratio of decoded to received bytes. Measured on rows of a report as JSON: only empty cells 263, a random id
#: and 99 empty cells 172; a gzip bomb 1,027. Below the floor there is no limit.
MAX_GROWTH = 400
GROWTH_FLOOR_BYTES = 8 * 1024 * 1024

IDENTITY = "identity"
GZIP = "gzip"


class RawBody(Protocol):
    """The part of urllib3's response that is used."""

    def read(self, amt: int, decode_content: bool) -> bytes:
        """Up to `amt` bytes; empty at the end of the body."""


class Response:
    """An HTTP response whose body has not been read yet. Belongs to one thread; made by `Transport.stream`."""

    def __init__(
        self,
        *,
        status: int,
        headers: Mapping[str, str],
        url: str,
        request_clock_s: float,
        first_byte_clock_s: float,
        is_framed: bool,
        raw: RawBody,
        border: Callable[[Callable[[], bytes]], bytes],
    ) -> None:
        self.status = status
        #: Case-insensitive.
        self.headers = headers
        #: After redirects.
        self.url = url
        #: `time.monotonic()` when the first request left, and when the first byte of this response came.
        self.request_clock_s = request_clock_s
        self.first_byte_clock_s = first_byte_clock_s
        #: True if Content-Length or chunked framing marks the end of the body.
        self.is_framed = is_framed
        #: Bytes of the body received so far, before decoding.
        self.received_bytes = 0
        self._raw = raw
        self._border = border

    @property
    def content_encoding(self) -> str:
        """`identity`, `gzip`, or any other value sent by the server."""
        named = self.headers.get("Content-Encoding", "").strip().lower()
        return {"": IDENTITY, "x-gzip": GZIP}.get(named, named)

    def chunks(self) -> Iterator[bytes]:
        """The body as received, chunk by chunk; complete once the iteration ends.

        Raises ReportError: `truncated` if the framing was cut, `network`, `timeout`, `interrupted`, and `not_csv` for
        an encoding that was not requested.
        """
        self._refuse_strange_encodings()
        while True:
            chunk = self._border(lambda: self._raw.read(CHUNK_BYTES, decode_content=False))
            if not chunk:
                return
            self.received_bytes += len(chunk)
            yield chunk
            del chunk  # before the next one is read: otherwise every thread would hold two

    def excerpt(self, limit_bytes: int = EXCERPT_BYTES) -> str:
        """The beginning of the body as text, as far as it can be read; for responses whose status already is an error.

        Raises ReportError only if the run is being stopped.
        """
        body = bytearray()
        try:
            for chunk in self.chunks():
                body += chunk
                if len(body) >= limit_bytes:
                    break
        except ReportError as error:
            if error.kind is ErrorKind.INTERRUPTED:
                raise
        start = inflated_start(bytes(body), limit_bytes) if self.content_encoding == GZIP else bytes(body[:limit_bytes])
        return start.decode("utf-8", "replace")

    def complete(self, limit_bytes: int) -> FullResponse:
        """Read the whole body and decode it.

        Raises ReportError: like `chunks`, and `not_csv` for a body of more than `limit_bytes`, decoded or not, or that
        inflates beyond any plausible ratio.
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > limit_bytes:
                raise _too_large(limit_bytes)
        whole = bytes(body)
        if self.content_encoding == GZIP and whole:
            growth_bytes = max(GROWTH_FLOOR_BYTES, MAX_GROWTH * len(whole))
            whole = _inflated_within(whole, min(limit_bytes, growth_bytes))
        return FullResponse(self.status, self.headers, self.url, whole)

    def _refuse_strange_encodings(self) -> None:
        for name, allowed in (("Content-Encoding", (IDENTITY, GZIP)), ("Transfer-Encoding", ("", "chunked"))):
            value = self.headers.get(name, "").strip().lower()
            value = self.content_encoding if name == "Content-Encoding" else value
            if value not in allowed:
                raise ReportError(
                    ErrorKind.NOT_CSV,
                    f"The response has the {name} '{shortened(value)}', but only gzip was requested.",
                    remedy=ODD_ANSWER_REMEDY,
                    http_status=self.status,
                    permanent=True,
                )


@dataclass(frozen=True, slots=True)
class FullResponse:
    """A small response, read in full and decoded."""

    status: int
    #: Case-insensitive.
    headers: Mapping[str, str]
    url: str
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as UTF-8, undecodable bytes replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """The body as JSON. Raises ReportError `truncated` if it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ReportError(
                ErrorKind.TRUNCATED,
                f"Expected JSON, but the response of {len(self.body):,} bytes is not JSON or is cut off.",
                remedy=ODD_ANSWER_REMEDY,
                http_status=self.status,
            ) from error


def _inflated_within(body: bytes, limit_bytes: int) -> bytes:
    decoded = bytearray()
    for block in inflated([body]):
        decoded += block
        if len(decoded) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(decoded)


def _too_large(limit_bytes: int) -> ReportError:
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The response is larger than {limit_bytes:,} bytes, the limit for its kind.",
        remedy=ODD_ANSWER_REMEDY,
        permanent=True,
    )
