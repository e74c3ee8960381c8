"""What of a secret is looked for in a text whose escapes have been undone: itself, its base64 and hexadecimal, halves.

base64 has three forms, by where in the encoded bytes the secret begins; of each, those characters count that no
neighbour changes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from sfr.redaction.undoing import fully_undone

#: From this length on, a half of a secret is worth hiding too (a message may cut a text in the middle).
SHORTEST_HALVED = 12
#: Shorter ones are in too many lines, each of which would be looked at closely.
SHORTEST_BLOCK = 6
#: Shorter pieces of base64 or hexadecimal turn up in common words.
SHORTEST_ENCODED = 6

_CAPITALS = re.compile("[A-Z]+")


class Trace(NamedTuple):
    """A piece that gives a secret away, and the longer text that it is part of."""

    piece: str
    whole: str
    #: Where the piece begins in the whole.
    offset: int
    #: Characters around the whole that hold bits of the secret and of its neighbours: of base64.
    edges: tuple[int, int] = (0, 0)
    #: Fewer characters of the whole, side by side, give nothing away.
    least: int = 0

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the piece stands in a text, with as much of the whole around it as stands there."""
        at = text.find(self.piece)
        while at >= 0:
            start, end = at, at + len(self.piece)
            before, after = self.offset, self.offset + len(self.piece)
            while start and before and text[start - 1] == self.whole[before - 1]:
                start, before = start - 1, before - 1
            while end < len(text) and after < len(self.whole) and text[end] == self.whole[after]:
                end, after = end + 1, after + 1
            at = text.find(self.piece, end)
            if end - start < self.least:
                continue
            if not before:
                start = max(0, start - self.edges[0])
            if after == len(self.whole):
                end = min(len(text), end + self.edges[1])
                while self.edges[1] and text.startswith("=", end):
                    end += 1
            yield start, end


def folded(text: str) -> str:
    """The text with ASCII letters made small and `+` as a blank, character for character.

    Hexadecimal digits of URLs come in both cases, header values may be made small, forms write blanks as `+`.
    """
    small = text.lower() if text.isascii() else _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)
    return small.replace("+", " ")


def traces_of(secret: str) -> Iterator[Trace]:
    """Everything that is looked for, folded."""
    for text in {folded(secret), folded(fully_undone(secret))}:
        yield from _pieces(text, (len(text) + 1) // 2)
    if len(secret) >= SHORTEST_HALVED:  # a session id: what follows the org's id is the secret part
        org, mark, rest = folded(secret).partition("!")
        if mark and len(rest) >= len(secret) // 2:
            yield Trace(rest, folded(secret), len(org) + 1)
    raws = {secret.encode("utf-8", "surrogatepass")}
    if not secret.isascii():
        # UTF-8 that was read as Latin-1, as header values are.
        misread = folded(secret.encode("utf-8", "surrogatepass").decode("latin-1"))
        yield from _pieces(misread, (len(misread) + 1) // 2)
        raws.add(secret.encode("latin-1", "ignore"))
    for raw in raws:
        yield from _encoded(raw.hex(), (0, 0))
        for before in range(3):
            yield from _base64(raw, before)


def _base64(raw: bytes, before: int) -> Iterator[Trace]:
    """The base64 of bytes that begin at this offset: what of it no neighbour changes."""
    encoded = base64.b64encode(bytes(before) + raw).decode()
    first, last = (8 * before + 5) // 6, 8 * (before + len(raw)) // 6
    edges = (int(before > 0), int(8 * (before + len(raw)) % 6 > 0))
    for form in {encoded, encoded.replace("+", "-").replace("/", "_")}:
        yield from _encoded(form[first:last], edges)


def _encoded(form: str, edges: tuple[int, int]) -> Iterator[Trace]:
    text = folded(form)
    for trace in _pieces(text, len(text) // 2, edges):
        if len(trace.piece) >= SHORTEST_ENCODED:
            yield trace


def _pieces(text: str, half: int, edges: tuple[int, int] = (0, 0)) -> Iterator[Trace]:
    """What of a text is looked for: as much as a half from anywhere in it, its two halves, or all of it, by length."""
    if len(text) < SHORTEST_HALVED:
        yield Trace(text, text, 0, edges)
        return
    size = (half + 1) // 2  # of any `half` characters that stand side by side, one such block is a part
    if size >= SHORTEST_BLOCK:
        for start in range(0, len(text) - size + 1, size):
            yield Trace(text[start : start + size], text, start, edges, half)
        return
    yield Trace(text[:half], text, 0, edges)
    yield Trace(text[-half:], text, len(text) - half, edges)


def search_pattern(pieces: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the pieces; grouped by their first character, which makes a search several times as fast."""
    groups = groupby(sorted(pieces), key=lambda piece: piece[0])
    return re.compile(
        "|".join(
            f"{re.escape(first)}(?:{'|'.join(re.escape(piece[1:]) for piece in group)})" for first, group in groups
        )
    )
