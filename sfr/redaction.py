"""Secrets: a value that does not print itself, and the text filter that masks whatever slips through."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "***"

#: Shorter texts are words, not secrets; masking them would garble every log line.
SHORTEST_SECRET = 3
#: From this length on, a half of a secret is worth hiding too (a message may cut a text in the middle).
SHORTEST_HALVED = 12

#: A Salesforce session id or access token, in small letters: the org's id, an exclamation mark, the secret part
#: (as SOAP log-ins give it).
_SESSION_ID = re.compile(r"00d[a-z0-9]{12,15}(?:!|%21)[a-z0-9._%-]+")
_CAPITALS = re.compile("[A-Z]+")


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


def _in_small_letters(text: str) -> str:
    """The text with ASCII letters made small: character for character, which `str.lower` is not for other scripts."""
    return text.lower() if text.isascii() else _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)


def _spellings(secret: str) -> set[str]:
    """Every form in which a text may turn up: as is, for URL, form, XML, JSON, `repr`, base64, and its longer half.

    All in small letters: hexadecimal digits of URLs come in both cases, header values and host names may be made small.
    """
    texts = {secret}
    if len(secret) >= SHORTEST_HALVED:
        half = (len(secret) + 1) // 2
        texts |= {secret[:half], secret[-half:]}
        if "!" in secret:
            texts |= {part for part in secret.split("!") if len(part) >= half}
    spelled: set[str] = set()
    for text in texts:
        spelled |= {text, html.escape(text), html.escape(text, quote=False)}
        spelled |= {quote(text, safe=safe, errors="replace") for safe in ("", "/")} | {
            quote_plus(text, errors="replace")
        }
        spelled |= {
            text.replace("'", "&apos;"),
            html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
            html.escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;"),
            html.escape(text).replace("&#x27;", "&#39;"),
        }
        spelled |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
    raw = secret.encode("utf-8", "surrogateescape")
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        spelled |= {encoded.decode(), encoded.decode().rstrip("=")}
    return {_in_small_letters(text) for text in spelled if len(text) >= SHORTEST_SECRET}


class Redactor:
    """Masks every secret it was told of, in every spelling, in any text. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spelled: set[str] = set()
        self._pattern: re.Pattern[str] = _SESSION_ID

    def add(self, *secrets: str | Secret | None) -> None:
        """Mask these from now on; None and texts under three characters are passed over."""
        texts = [secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets]
        with self._lock:
            for text in texts:
                for line in {text or "", *(text or "").splitlines()}:
                    if len(line) >= SHORTEST_SECRET:
                        self._spelled |= _spellings(line)
            longest_first = sorted(self._spelled, key=lambda text: (-len(text), text))
            self._pattern = re.compile("|".join([_SESSION_ID.pattern, *map(re.escape, longest_first)]))

    def redact(self, text: str) -> str:
        """The text with every known secret, and anything that looks like a session id, replaced by `***`.

        Capital and small letters count as the same.
        """
        # Not re.IGNORECASE, which makes this fifty times slower: every log line passes here.
        kept, end = [], 0
        for match in self._pattern.finditer(_in_small_letters(text)):
            kept.append(text[end : match.start()])
            end = match.end()
        return MASK.join([*kept, text[end:]])
