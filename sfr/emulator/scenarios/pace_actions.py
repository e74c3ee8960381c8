"""Faults of time and size: responses that are late, slow, endless, or far larger than expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.responses import Response
from sfr.emulator.scenarios.effects import Effect, Scene


@dataclass(frozen=True, slots=True)
class Delay:
    """`delay`: a pause before the status line, or (where: `body`) between the headers and the first byte."""

    seconds: float = 1
    where: Literal["answer", "body"] = "answer"

    def effect(self, _scene: Scene) -> Effect:
        """A late response."""
        if self.where == "body":
            return Effect(delivery=Delivery(body_delay_s=self.seconds))
        return Effect(delivery=Delivery(delay_s=self.seconds))


@dataclass(frozen=True, slots=True)
class Stall:
    """`stall`: a pause after `after_bytes` of the body; seconds None = until the connection is closed."""

    after_bytes: int = 2_000
    seconds: float | None = None

    def effect(self, _scene: Scene) -> Effect:
        """A pause mid-body."""
        return Effect(delivery=Delivery(stall_after_bytes=self.after_bytes, stall_s=self.seconds))


@dataclass(frozen=True, slots=True)
class Trickle:
    """`trickle`: the body is sent at `bytes_per_s`."""

    bytes_per_s: float = 50

    def effect(self, _scene: Scene) -> Effect:
        """A slow body."""
        return Effect(delivery=Delivery(bytes_per_s=max(self.bytes_per_s, 0.01)))


@dataclass(frozen=True, slots=True)
class Endless:
    """`endless`: the rows repeat for ever."""

    def effect(self, _scene: Scene) -> Effect:
        """A body without end."""
        return Effect(delivery=Delivery(endless=True))


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """`gzip_bomb`: a small gzip body that inflates to size_bytes of one cell."""

    size_bytes: int = 10 * 1024**3

    def effect(self, _scene: Scene) -> Effect:
        """A bomb in place of the report."""
        block = b"0" * (1 << 20)

        def body() -> Iterator[bytes]:
            yield b'"Name"\n"'
            for _ in range(max(1, self.size_bytes >> 20)):
                yield block
            yield b'"\n'

        headers = (
            ("Content-Type", "text/csv; charset=UTF-8"),
            ("Content-Disposition", "attachment; filename=report.csv"),
        )
        return Effect(Response(200, headers, body), Delivery(gzip=True))
