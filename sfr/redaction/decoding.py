"""Decodes the common escapes of a text, layer by layer, and tracks the origin of each character in the original.

Escapes of URLs, HTML and XML, JSON, Python and mail, and line breaks in the middle, are decoded together, since a text
may contain several; base64 and hexadecimal are decoded run by run. Independent of secrets.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator
from functools import cache
from itertools import repeat
from typing import NamedTuple

#: Texts are hardly escaped more often; each layer is shorter than the previous one.
MAX_LAYERS = 8

#: One of them is in every escape.
_MARKS = ("%", "&", "\\", "=", "\n", "<wbr")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_RUN = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_-]{20,}")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{16,}")
_NO_DIGIT = re.compile(r"%|=|\\x")
_TO_STANDARD = str.maketrans("-_", "+/")


@cache
def _escape() -> re.Pattern[str]:
    """Any one escape. Compiled on demand: most texts have none, and it takes some milliseconds."""
    return re.compile(
        r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
        r"|(?P<mail>(?:=[0-9A-Fa-f]{2})+)"
        r"|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)"
        r"|(?P<entity>&(?:#0{0,20}(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,20});?|[A-Za-z][A-Za-z0-9]{1,30};"
        r"|(?:amp|lt|gt|quot)(?![\w=;])))"
        r"|(?P<pair>[\\%]u[dD][89abAB][0-9A-Fa-f]{2}[\\%]u[dD][c-fC-F][0-9A-Fa-f]{2})"
        r"|(?P<octal>(?:\\[0-3][0-7]{2})+)"
        r"|[\\%]u(?P<four>[0-9A-Fa-f]{4})|\\u\{(?P<braced>[0-9A-Fa-f]{1,6})\}|\\U(?P<eight>[0-9A-Fa-f]{8})"
        r"|\\(?P<letter>[bfnrt])|\\(?P<mark>[\"'\\/])"
        # A server wraps long lines of mail and headers, a page breaks long words.
        r"|(?P<wrap>=?\r?\n[ \t]*|<wbr ?/?>)"
    )


@cache
def _perhaps_escape() -> re.Pattern[str]:
    """A less exact pattern that is much faster to search for."""
    return re.compile(
        r"%u?[0-9A-Fa-f]{2}|=[0-9A-Fa-f]{2}|\n|<wbr|\\[bfnrtuUx0-3\"'\\/]|&[#A-Za-z][A-Za-z0-9]*;|&#|&(?:amp|lt|gt|quot)"
    )


def has_escapes(text: str) -> bool:
    """Whether the text contains escapes; cheap for texts without any."""
    return any(mark in text for mark in _MARKS) and _perhaps_escape().search(text) is not None


class Layer(NamedTuple):
    """A text, original or decoded, with the origin of each character."""

    text: str
    #: Start and end of each character in the original; None for the original itself.
    starts: list[int] | None = None
    ends: list[int] | None = None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that corresponds to a span of this text."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def decoded(self, *, keeps_line_ends: bool = False) -> Layer:
        """The text with one layer of escapes decoded; line ends may have been put into it, and are dropped or kept."""
        starts = list(range(len(self.text))) if self.starts is None else self.starts
        ends = list(range(1, len(self.text) + 1)) if self.ends is None else self.ends
        texts: list[str] = []
        new_starts: list[int] = []
        new_ends: list[int] = []
        position = 0
        for match in _escape().finditer(self.text):
            texts.append(self.text[position : match.start()])
            new_starts += starts[position : match.start()]
            new_ends += ends[position : match.start()]
            position = match.start()
            for characters, length in _characters(match, keeps_line_ends=keeps_line_ends):
                texts.append(characters)
                new_starts += [starts[position]] * len(characters)
                new_ends += [ends[position + length - 1]] * len(characters)
                position += length
        texts.append(self.text[position:])
        return Layer("".join(texts), new_starts + starts[position:], new_ends + ends[position:])


def layers(text: str) -> Iterator[Layer]:
    """The text after decoding one, two, … layers of escapes, until none is left; not the text itself.

    A line end that an escape stood for may be part of a secret, or where a program broke the line: both are tried.
    """
    if not has_escapes(text):
        return
    first = Layer(text).decoded()
    yield first
    yield from _further_layers(first, keeps_line_ends=False)
    if "\n" in first.text:
        yield from _further_layers(first, keeps_line_ends=True)


def _further_layers(layer: Layer, *, keeps_line_ends: bool) -> Iterator[Layer]:
    for _ in range(MAX_LAYERS - 1):
        if not has_escapes(layer.text):
            return
        decoded = layer.decoded(keeps_line_ends=keeps_line_ends)
        if decoded.text == layer.text:
            return
        layer = decoded
        yield layer


def _characters(escape: re.Match[str], *, keeps_line_ends: bool) -> Iterator[tuple[str, int]]:
    """The decoded characters of an escape, each with the length of its escaped form."""
    kind, text = escape.lastgroup, escape[0]
    if kind == "octal":
        yield from _of_bytes(bytes(int(digits, 8) for digits in text[1:].split("\\")), 4)
    elif kind in ("percent", "mail", "bytes"):
        size = 4 if kind == "bytes" else 3
        yield from _of_bytes(bytes.fromhex(_NO_DIGIT.sub("", text)), size)
    elif kind == "entity":
        from html import unescape

        yield unescape(text), len(text)
    elif kind == "pair":
        high, low = int(text[2:6], 16), int(text[8:], 16)
        yield chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), len(text)
    elif kind == "wrap":
        yield from zip(text, repeat(1)) if keeps_line_ends else [("", len(text))]
    elif kind in ("four", "braced", "eight"):
        code = int(escape[kind], 16)
        yield chr(code) if code <= 0x10FFFF else text, len(text)
    else:
        inside = escape[kind or 0]
        yield _LETTERS[inside] if kind == "letter" else inside, len(text)


def _of_bytes(raw: bytes, size: int) -> Iterator[tuple[str, int]]:
    """Decode as UTF-8, invalid bytes as Latin-1; `size`: length of the escape of each byte."""
    for character in raw.decode("utf-8", "surrogateescape"):
        if "\udc80" <= character <= "\udcff":
            yield chr(ord(character) - 0xDC00), size
        else:
            yield character, size * len(character.encode("utf-8", "surrogatepass"))


def decoded_runs(text: str, *, short_too: bool) -> Iterator[tuple[int, int, str]]:
    """The decoded text of runs of base64 or hexadecimal characters, with their spans, if it is text.

    A run may be preceded by other letters, so decoding is tried from each of its first characters. short_too: include
    runs of at least 8 characters.
    """
    for match in (_RUN if short_too else _LONG_RUN).finditer(text):
        start, end, run = match.start(), match.end(), match[0]
        raws = [*_hexadecimal_in(run)]
        if not run.islower():  # a word or path; encoded text contains upper-case letters
            raws += _base64_in(run)
        for raw in raws:
            plain = _as_text(raw)
            if plain:
                yield start, end, plain


def _hexadecimal_in(run: str) -> Iterator[bytes]:
    match = _HEXADECIMAL.search(run)
    if match:
        for offset in (0, 1):
            digits = match[0][offset:]
            yield bytes.fromhex(digits[: len(digits) // 2 * 2])


def _base64_in(run: str) -> Iterator[bytes]:
    standard = run.translate(_TO_STANDARD)
    for offset in range(4):
        characters = standard[offset:]
        left = len(characters) % 4
        if left == 1:
            characters, left = characters[:-1], 0
        try:
            yield a2b_base64(characters + "=" * (-left % 4))
        except Error:
            continue


def _as_text(raw: bytes) -> str | None:
    if raw.isascii():
        return raw.decode("ascii")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
