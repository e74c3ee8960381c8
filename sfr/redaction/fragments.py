"""The forms of a secret to search for in decoded text: itself, its base64 and hexadecimal, and halves of them.

base64 has three forms, depending on the offset of the secret in the encoded bytes; only characters independent of
adjacent bytes are used.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from sfr.redaction.decoding import layers

#: From this length on, half of a secret is masked too (a message may truncate a text).
MIN_HALVED_CHARS = 12
#: Shorter blocks occur in too many lines, each of which would have to be examined.
MIN_BLOCK_CHARS = 6
#: Shorter pieces of base64 or hexadecimal occur in common words.
MIN_ENCODED_CHARS = 6

#: Half of a short URL may be no more than this, which is in every message about any URL.
_SCHEME = re.compile("https?:/{0,2}")
_CAPITALS = re.compile("[A-Z]+")


class Fragment(NamedTuple):
    """A piece that reveals a secret, and the longer text that it is part of."""

    piece: str
    whole: str
    #: Offset of the piece in the whole.
    offset: int
    #: Characters around the whole that contain bits of both the secret and adjacent bytes (base64 only).
    edges: tuple[int, int] = (0, 0)
    #: Fewer characters of the whole, side by side, give nothing away.
    least: int = 0

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans of the piece in a text, extended to as much of the whole as is present."""
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
    """The text with ASCII letters in lower case and `+` replaced by a space; same length.

    Hexadecimal digits in URLs occur in both cases, header values may be lower-cased, forms write spaces as `+`.
    """
    small = text.lower() if text.isascii() else _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)
    return small.replace("+", " ")


def fragments_of(secret: str) -> Iterator[Fragment]:
    """Every fragment to search for, folded."""
    # A secret may contain what looks like escapes: each layer of a text shows another of its forms.
    for text in {folded(secret), *(folded(layer.text) for layer in layers(secret))}:
        yield from _pieces(text, (len(text) + 1) // 2)
    if len(secret) >= MIN_HALVED_CHARS:  # a session id: the secret part follows the org's id
        org, mark, rest = folded(secret).partition("!")
        if mark and len(rest) >= len(secret) // 2:
            yield Fragment(rest, folded(secret), len(org) + 1)
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


def _base64(raw: bytes, before: int) -> Iterator[Fragment]:
    """The base64 of bytes at this offset: the part that does not depend on adjacent bytes."""
    encoded = base64.b64encode(bytes(before) + raw).decode()
    first, last = (8 * before + 5) // 6, 8 * (before + len(raw)) // 6
    edges = (int(before > 0), int(8 * (before + len(raw)) % 6 > 0))
    for form in {encoded, encoded.replace("+", "-").replace("/", "_")}:
        yield from _encoded(form[first:last], edges)


def _encoded(form: str, edges: tuple[int, int]) -> Iterator[Fragment]:
    text = folded(form)
    for fragment in _pieces(text, len(text) // 2, edges):
        if len(fragment.piece) >= MIN_ENCODED_CHARS:
            yield fragment


def _pieces(text: str, half: int, edges: tuple[int, int] = (0, 0)) -> Iterator[Fragment]:
    """The parts of a text to search for, by length: blocks anywhere in it, its two halves, or all of it."""
    if len(text) < MIN_HALVED_CHARS:
        yield Fragment(text, text, 0, edges)
        return
    size = (half + 1) // 2  # of any `half` adjacent characters, one such block is a part
    if size >= MIN_BLOCK_CHARS:
        for start in range(0, len(text) - size + 1, size):
            yield Fragment(text[start : start + size], text, start, edges, half)
        return
    if not _SCHEME.fullmatch(text[:half]):
        yield Fragment(text[:half], text, 0, edges)
    yield Fragment(text[-half:], text, len(text) - half, edges)


def search_pattern(pieces: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of the pieces, grouped by first character, which makes the search several times faster."""
    groups = groupby(sorted(pieces), key=lambda piece: piece[0])
    return re.compile(
        "|".join(
            f"{re.escape(first)}(?:{'|'.join(re.escape(piece[1:]) for piece in group)})" for first, group in groups
        )
    )
