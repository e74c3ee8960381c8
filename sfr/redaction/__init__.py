"""Secrets: a type that never prints its value, and a text filter that masks known secrets."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from typing import NoReturn

from sfr.redaction.decoding import decoded_runs, layers
from sfr.redaction.fragments import folded, fragments_of, search_pattern

__all__ = ["MASK", "Redactor", "Secret"]

MASK = "***"

#: Shorter texts are ordinary words; masking them would garble every log line.
MIN_SECRET_CHARS = 3
#: Shorter texts have no distinctive base64 form, so runs are decoded to find them.
_SHORT_SECRET = 6
#: Maximum depth of nested encodings.
_MAX_ENCODINGS = 3

#: A Salesforce session id or access token, folded: the org's id, an exclamation mark, the secret part (as SOAP log-ins
#: give it).
_SESSION_ID = re.compile(r"00d[a-z0-9]{12,15}(?:!|%21)[a-z0-9._%-]+")


class Secret:
    """A text that only `reveal()` returns.

    Not a `str`: f-strings, logging and `repr` print the mask. Not picklable, so that it cannot be put into a queue.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret must not leave its process")


class Redactor:
    """Masks every registered secret in any text, in any encoding. Thread-safe.

    Escapes of URLs, HTML, XML and JSON are decoded layer by layer and each layer is searched, so that spellings need
    not be enumerated; base64 at every alignment and hexadecimal are searched for, and decoded if they contain text. The
    search is case-insensitive. A truncated secret is masked from half of its length on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: set[str] = set()
        self._known: _Known | None = None

    def add(self, *secrets: str | Secret | None) -> None:
        """Mask these from now on; None and texts under three characters are ignored."""
        texts = [secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets]
        lines = {line for text in texts for line in (text or "", *(text or "").splitlines())}
        with self._lock:
            new = {line for line in lines if len(line) >= MIN_SECRET_CHARS} - self._texts
            if new:
                self._texts |= new
                self._known = None

    def redact(self, text: str) -> str:
        """The text with every known secret, and anything that looks like a session id, replaced by `***`."""
        spans = (self._known or self._prepare()).spans(text)
        if not spans:
            return text
        kept, end = [], 0
        for span_start, span_end in sorted(spans):
            if span_start >= end:
                kept.append(text[end:span_start])
            end = max(end, span_end)
        return MASK.join([*kept, text[end:]])

    def _prepare(self) -> _Known:
        with self._lock:
            self._known = known = _Known(self._texts)
        return known


class _Known:
    """The secrets known at one time, prepared for searching. Immutable."""

    def __init__(self, secrets: Iterable[str]) -> None:
        fragments = {fragment: None for secret in secrets for fragment in fragments_of(secret)}
        self._traces = tuple(fragments)
        self._pattern = search_pattern({fragment.piece for fragment in fragments}) if fragments else None
        self._has_short = any(len(secret) < _SHORT_SECRET for secret in secrets)

    def spans(self, text: str, encodings: int = _MAX_ENCODINGS) -> list[tuple[int, int]]:
        """Spans of secrets in the text; encodings: how many levels of base64 are still decoded."""
        spans = list(self._places(text, encodings))
        for layer in layers(text):
            spans += [layer.origin(start, end) for start, end in self._places(layer.text, encodings)]
        return spans

    def _places(self, text: str, encodings: int) -> Iterator[tuple[int, int]]:
        small = folded(text)
        if "00d" in small:
            yield from (match.span() for match in _SESSION_ID.finditer(small))
        if self._pattern is None:
            return
        if self._pattern.search(small):
            for fragment in self._traces:
                yield from fragment.places(small)
        if encodings:
            for start, end, plain in decoded_runs(text, short_too=self._has_short):
                if self.spans(plain, encodings - 1):
                    yield start, end
