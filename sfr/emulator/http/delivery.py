"""How a response is sent: framing, compression, cuts, speed. The default has no faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Framing = Literal["auto", "chunked", "length", "overlong", "close"]
"""auto: Content-Length for small bodies, chunks for exports. overlong: a Content-Length greater than what is sent."""
GzipFault = Literal["cut", "no_trailer", "bad_crc", "garbage", "trailing"]
ContentCut = Literal["after_bytes", "before_footer", "in_footer", "in_row", "in_quotes"]
Ending = Literal["end", "reset", "close"]
Opening = Literal["answer", "close", "reset", "garbage"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Instructions to the sender. `gzip_after_bytes` and `wire_*` count bytes on the wire, without framing.

    opening: `answer` (respond), or what to do in place of a response.
    delay_s: before the status line; body_delay_s: between the headers and the body's first byte.
    gzip: None = compress when the client asks for it; True and False override the client.
    content_*: changes to the plain body before compression. endless: its rows repeat for ever.
    gzip_fault: a fault in the compressed stream, while HTTP framing stays valid.
    wire_after_bytes, ending: after how many bytes the connection ends, and how; `ending` "end" = a regular end.
    no_last_chunk: everything is sent except the end marker.
    stall_after_bytes, stall_s: a pause; None = for ever.
    bytes_per_s: speed limit.
    encoding_name: the Content-Encoding header, whatever the body is.
    """

    opening: Opening = "answer"
    delay_s: float = 0
    body_delay_s: float = 0
    framing: Framing = "auto"
    gzip: bool | None = None
    content_cut: ContentCut | None = None
    content_after_bytes: int = 0
    footer_lines: int = 2
    endless: bool = False
    gzip_fault: GzipFault | None = None
    gzip_after_bytes: int = 0
    wire_after_bytes: int | None = None
    ending: Ending = "end"
    no_last_chunk: bool = False
    stall_after_bytes: int | None = None
    stall_s: float | None = None
    bytes_per_s: float | None = None
    encoding_name: str | None = None
