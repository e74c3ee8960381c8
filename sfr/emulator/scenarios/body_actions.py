"""Faults of the body and its framing: the org's own response is corrupt, truncated, or missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfr.emulator.http.delivery import Delivery, Framing
from sfr.emulator.scenarios.effects import Effect, Scene

_SOME_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Faultless:
    """`answer`: the org's own response, without faults. For rules that only set `delay_s` or `footer`."""

    def effect(self, _scene: Scene) -> Effect:
        """Nothing."""
        return Effect()


@dataclass(frozen=True, slots=True)
class Refuse:
    """`refuse`: the connection ends without a response. how: `close`, `reset`, or `garbage` (not HTTP, then closed)."""

    how: Literal["close", "reset", "garbage"] = "close"

    def effect(self, _scene: Scene) -> Effect:
        """No response."""
        return Effect(delivery=Delivery(opening=self.how))


@dataclass(frozen=True, slots=True)
class Reset:
    """`reset`: a TCP reset after `after_bytes` of the body, at the latest before its end marker."""

    after_bytes: int = _SOME_BYTES

    def effect(self, _scene: Scene) -> Effect:
        """Reset mid-body."""
        return Effect(delivery=Delivery(wire_after_bytes=self.after_bytes, ending="reset"))


@dataclass(frozen=True, slots=True)
class Close:
    """`close`: an orderly close after `after_bytes` of a chunked body; None = all of it, but no last chunk."""

    after_bytes: int | None = None

    def effect(self, _scene: Scene) -> Effect:
        """A chunked body without end."""
        if self.after_bytes is None:
            return Effect(delivery=Delivery(framing="chunked", no_last_chunk=True))
        return Effect(delivery=Delivery(framing="chunked", wire_after_bytes=self.after_bytes, ending="close"))


@dataclass(frozen=True, slots=True)
class ShortLength:
    """`short_length`: Content-Length announces 4,096 bytes more than are sent; after_bytes cuts even earlier."""

    after_bytes: int | None = None

    def effect(self, _scene: Scene) -> Effect:
        """A body shorter than its Content-Length."""
        return Effect(delivery=Delivery(framing="overlong", wire_after_bytes=self.after_bytes, ending="close"))


@dataclass(frozen=True, slots=True)
class ContentLength:
    """`content_length`: no fault, but framed by Content-Length instead of chunks."""

    def effect(self, _scene: Scene) -> Effect:
        """Length framing."""
        return Effect(delivery=Delivery(framing="length"))


@dataclass(frozen=True, slots=True)
class CutGzip:
    """`cut_gzip`: the gzip stream stops after `after_bytes` while framing (`chunked` or `length`) stays valid."""

    after_bytes: int = _SOME_BYTES
    framing: Framing = "chunked"

    def effect(self, _scene: Scene) -> Effect:
        """A cut gzip stream."""
        return Effect(delivery=Delivery(framing=self.framing, gzip_fault="cut", gzip_after_bytes=self.after_bytes))


@dataclass(frozen=True, slots=True)
class SpoiltGzip:
    """`spoilt_gzip`: kind `bad_crc`, `no_trailer` (CRC and size missing), `garbage` (after after_bytes), `trailing`."""

    kind: Literal["bad_crc", "no_trailer", "garbage", "trailing"] = "bad_crc"
    after_bytes: int = _SOME_BYTES

    def effect(self, _scene: Scene) -> Effect:
        """A damaged gzip stream."""
        return Effect(delivery=Delivery(gzip_fault=self.kind, gzip_after_bytes=self.after_bytes))


@dataclass(frozen=True, slots=True)
class CutContent:
    """`cut_content`: the plain text ends early, while gzip and framing are valid.

    at: `before_footer` (all rows, no footer), `in_footer` (footer_lines whole lines of it and half of the next),
    `in_row` (inside the last row), `in_quotes` (an open quote after the last row), `after_bytes` (in the rows).
    """

    at: Literal["before_footer", "in_footer", "in_row", "in_quotes", "after_bytes"] = "before_footer"
    after_bytes: int = _SOME_BYTES
    footer_lines: int = 2

    def effect(self, _scene: Scene) -> Effect:
        """Shorter content."""
        delivery = Delivery(content_cut=self.at, content_after_bytes=self.after_bytes, footer_lines=self.footer_lines)
        return Effect(delivery=delivery)


@dataclass(frozen=True, slots=True)
class CloseDelimited:
    """`close_delimited`: neither Content-Length nor chunks: the body ends with the connection; after_bytes cuts it."""

    after_bytes: int | None = None

    def effect(self, _scene: Scene) -> Effect:
        """A body without framing."""
        return Effect(delivery=Delivery(framing="close", wire_after_bytes=self.after_bytes, ending="close"))


@dataclass(frozen=True, slots=True)
class Encoding:
    """`encoding`: the Content-Encoding header names something else (`br`, `zstd`, `deflate`); the body is plain."""

    name: str = "br"

    def effect(self, _scene: Scene) -> Effect:
        """A wrong Content-Encoding."""
        return Effect(delivery=Delivery(gzip=False, encoding_name=self.name))


@dataclass(frozen=True, slots=True)
class Plain:
    """`plain`: no gzip, although the client accepts it."""

    def effect(self, _scene: Scene) -> Effect:
        """An uncompressed body."""
        return Effect(delivery=Delivery(gzip=False))
