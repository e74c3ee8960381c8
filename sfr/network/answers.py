"""An answer as it comes in, and a small one that is here whole.

Bodies are handed on as received: gzip is not undone, so that its end mark and checksum can be checked where it is.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.wording import said

#: A piece of a body. urllib3 gathers small HTTP chunks up to it. Measured on 400 MB: twice as much costs each thread
#: 0.3 MB more and saves nothing, half as much costs a tenth more CPU time.
CHUNK_BYTES = 262_144

#: Most of an error answer that is read.
EXCERPT_BYTES = 65_536

#: Decoded bytes for each byte received, beyond which an answer is none of Salesforce's. Measured on rows of a
#: report as JSON: nothing but empty cells 263, a random id beside 99 empty cells 172; a bomb 1,027. Below the floor any
#: answer may grow.
LARGEST_GROWTH = 400
GROWTH_FLOOR_BYTES = 8 * 1024 * 1024

IDENTITY = "identity"
GZIP = "gzip"

#: zlib's number for "a gzip stream".
_GZIP_WINDOW = 31


class RawBody(Protocol):
    """What is used of a urllib3 response."""

    def read(self, amt: int, decode_content: bool) -> bytes:
        """So many bytes, fewer before the end; empty at the proven or only possible end."""


class Answer:
    """An HTTP answer whose body is still to be read. Belongs to one thread; made by `Transport.send`."""

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
        #: `time.monotonic()` when the first request left, and when the first byte of this answer came.
        self.request_clock_s = request_clock_s
        self.first_byte_clock_s = first_byte_clock_s
        #: True if Content-Length or chunked framing will prove the body's end.
        self.is_framed = is_framed
        #: Of the body, so far, before decoding.
        self.received_bytes = 0
        self._raw = raw
        self._border = border

    @property
    def content_encoding(self) -> str:
        """`identity`, `gzip`, or whatever else the server says it is."""
        named = self.headers.get("Content-Encoding", "").strip().lower()
        return {"": IDENTITY, "x-gzip": GZIP}.get(named, named)

    def chunks(self) -> Iterator[bytes]:
        """The body as received, piece by piece; once the iteration ends, all of it has come.

        Raises ReportError: `truncated` if the framing was cut, `network`, `timeout`, `interrupted`, and `not_csv` for
        an encoding that was not asked for.
        """
        self._refuse_strange_encodings()
        while True:
            chunk = self._border(lambda: self._raw.read(CHUNK_BYTES, decode_content=False))
            if not chunk:
                return
            self.received_bytes += len(chunk)
            yield chunk
            del chunk  # before the next one comes: every thread would hold two

    def excerpt(self, limit_bytes: int = EXCERPT_BYTES) -> str:
        """The beginning of the body as text, as much as can be had; for answers whose status is an error already.

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
        return _beginning(bytes(body), self.content_encoding, limit_bytes).decode("utf-8", "replace")

    def complete(self, limit_bytes: int) -> CompleteAnswer:
        """Read the whole body and undo its encoding.

        Raises ReportError: like `chunks`, and `not_csv` for a body of more than `limit_bytes`, decoded or not, or one
        that becomes larger than any answer does.
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > limit_bytes:
                raise _too_large(limit_bytes)
        whole = bytes(body)
        if self.content_encoding == GZIP and whole:
            growth_bytes = max(GROWTH_FLOOR_BYTES, LARGEST_GROWTH * len(whole))
            whole = _inflated(whole, min(limit_bytes, growth_bytes))
        return CompleteAnswer(self.status, self.headers, self.url, whole)

    def _refuse_strange_encodings(self) -> None:
        for name, allowed in (("Content-Encoding", (IDENTITY, GZIP)), ("Transfer-Encoding", ("", "chunked"))):
            value = self.headers.get(name, "").strip().lower()
            value = self.content_encoding if name == "Content-Encoding" else value
            if value not in allowed:
                raise ReportError(
                    ErrorKind.NOT_CSV,
                    f"The answer has the {name} '{said(value)}'; only gzip was asked for.",
                    remedy=ODD_ANSWER_REMEDY,
                    http_status=self.status,
                    permanent=True,
                )


@dataclass(frozen=True, slots=True)
class CompleteAnswer:
    """A small answer, here whole and decoded."""

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
        """The body as JSON. Raises ReportError if it is none: `truncated`, as JSON that does not end."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ReportError(
                ErrorKind.TRUNCATED,
                f"An answer of {len(self.body):,} bytes was to be JSON, but is none or ends too early.",
                remedy=ODD_ANSWER_REMEDY,
                http_status=self.status,
            ) from error


def _beginning(body: bytes, content_encoding: str, limit_bytes: int) -> bytes:
    if content_encoding != GZIP:
        return body[:limit_bytes]
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(body, limit_bytes)
    except zlib.error:
        return b""


def _inflated(body: bytes, limit_bytes: int) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        whole = stream.decompress(body, limit_bytes)
    except zlib.error as error:
        raise ReportError(
            ErrorKind.TRUNCATED, "The answer's gzip stream is corrupt.", remedy=ODD_ANSWER_REMEDY
        ) from error
    if stream.unconsumed_tail:
        raise _too_large(limit_bytes)
    if not stream.eof or stream.unused_data:
        raise ReportError(
            ErrorKind.TRUNCATED,
            "The answer's gzip stream does not end where the answer ends.",
            remedy=ODD_ANSWER_REMEDY,
        )
    return whole


def _too_large(limit_bytes: int) -> ReportError:
    return ReportError(
        ErrorKind.NOT_CSV,
        f"An answer is larger than the {limit_bytes:,} bytes that one of its kind may have.",
        remedy=ODD_ANSWER_REMEDY,
        permanent=True,
    )
