"""Secrets: a value that does not print itself, and the text filter that masks whatever slips through."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from typing import NoReturn

from sfr.redaction.traces import folded, search_pattern, traces_of
from sfr.redaction.undoing import decoded_runs, layers

__all__ = ["MASK", "Redactor", "Secret"]

MASK = "***"

#: Shorter texts are words, not secrets; masking them would garble every log line.
SHORTEST_SECRET = 3
#: A text that is shorter than this has no base64 form that stands out; runs are decoded to find it.
_SHORT_SECRET = 6
#: Encoded within encoded text within …
_MOST_ENCODINGS = 3

#: A Salesforce session id or access token, folded: the org's id, an exclamation mark, the secret part (as SOAP log-ins
#: give it).
_SESSION_ID = re.compile(r"00d[a-z0-9]{12,15}(?:!|%21)[a-z0-9._%-]+")


class Secret:
    """A text that only `reveal()` shows.

    Not a `str`: f-strings, logging and `repr` print the mask. Not picklable, so that it cannot enter a queue.
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
        raise TypeError("a Secret does not leave its process")


class Redactor:
    """Masks every secret it was told of, however it is encoded, in any text. Safe to use from several threads.

    Escapes of URLs, HTML, XML and JSON are undone layer by layer and each layer is searched, so that no spelling has
    to be foreseen; base64 at every alignment and hexadecimal are searched for, and decoded where they hold text.
    Capital and small letters count as the same. A secret that was cut is masked from half of its length on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: set[str] = set()
        self._known: _Known | None = None

    def add(self, *secrets: str | Secret | None) -> None:
        """Mask these from now on; None and texts under three characters are passed over."""
        texts = [secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets]
        lines = {line for text in texts for line in (text or "", *(text or "").splitlines())}
        with self._lock:
            new = {line for line in lines if len(line) >= SHORTEST_SECRET} - self._texts
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
    """What is known of the secrets at one time, ready to be searched for. Immutable."""

    def __init__(self, secrets: Iterable[str]) -> None:
        traces = {trace: None for secret in secrets for trace in traces_of(secret)}
        self._traces = tuple(traces)
        self._pattern = search_pattern({trace.piece for trace in traces}) if traces else None
        self._has_short = any(len(secret) < _SHORT_SECRET for secret in secrets)

    def spans(self, text: str, encodings: int = _MOST_ENCODINGS) -> list[tuple[int, int]]:
        """Where in the text a secret stands; encodings: how often base64 within it is still decoded."""
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
            for trace in self._traces:
                yield from trace.places(small)
        if encodings:
            for start, end, plain in decoded_runs(text, short_too=self._has_short):
                if self.spans(plain, encodings - 1):
                    yield start, end
