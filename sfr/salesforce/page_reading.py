"""Reads a web page in one pass: title, visible text, forms, and the targets of its scripts. Pure.

Pages are untrusted, so the time taken is linear in their length, whatever they contain. Only what is needed to
recognise a page is parsed: no entities in tags, no nesting, no scripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Only the beginning of a page is read. Error and log-in pages of Salesforce seen so far have 1 to 80 kB.
JUDGED_BYTES = 131_072
#: Attributes are searched in the beginning of a tag only.
MAX_TAG_CHARS = 4_000

#: Each alternative ends at the next quote, so no part of a page is scanned twice.
_SCRIPT_TARGET = re.compile(
    r"""(?:location(?:\.replace|\.assign)|handleRedirect)\(\s{0,20}(?:"([^"\n]{1,4000})"|'([^'\n]{1,4000})')"""
    r"""|location(?:\.href)?\s{0,20}=\s{0,20}(?:"([^"\n]{1,4000})"|'([^'\n]{1,4000})')""",
    re.IGNORECASE,
)
_QUOTED_ADDRESS = re.compile(r"""["']((?:https?:)?\\?/[^"'\s]{1,4000})["']""", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-z-]{2,20})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""",
    re.IGNORECASE,
)
_REFRESH_TARGET = re.compile(r"""\burl\s{0,20}=\s{0,20}["']?([^"'\s]+)""", re.IGNORECASE)
_TAG_NAME = re.compile(r"/?[a-z][a-z0-9]{0,20}", re.IGNORECASE)

#: Elements whose content is not markup.
_RAW = frozenset({"script", "style", "textarea", "template"})
#: Elements whose text is not part of the message: navigation, controls, and content for browsers without scripts.
_ASIDE = frozenset({"a", "nav", "select", "button", "noscript"})


@dataclass(slots=True)
class Form:
    """One form of a page, or the fields outside all forms."""

    action: str = ""
    #: Its name and id, lower case.
    name: str = ""
    #: Names and ids of its visible fields, lower case.
    fields: set[str] = field(default_factory=set)
    password_fields: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """The beginning of a page."""

    #: The source, lower case.
    source: str
    title: str
    #: The text that a browser shows, on one line, without the title.
    words: str
    #: The visible text without links, menus and buttons.
    prose: str
    forms: tuple[Form, ...]
    #: Targets of scripts and `meta` elements, as written.
    targets: tuple[str, ...]
    #: Every quoted address in its scripts, as written: a script may redirect to any of them.
    addresses: tuple[str, ...]


def read_page(html: bytes | str) -> Page:
    """Read the beginning of a page; bytes are decoded as UTF-8 with replacement. Text without tags is visible text."""
    text = html[:JUDGED_BYTES].decode("utf-8", "replace") if isinstance(html, bytes) else html[:JUDGED_BYTES]
    reader = _Reader()
    before, *pieces = text.split("<")
    reader.show(before)
    for piece in pieces:
        reader.take(piece)
    scripted = (next(filter(None, match.groups())) for match in _SCRIPT_TARGET.finditer(text))
    return Page(
        source=text.lower(),
        title=_line(reader.title),
        words=_line(reader.words),
        prose=_line(reader.prose),
        forms=tuple(reader.forms),
        targets=(*scripted, *reader.refresh_targets),
        addresses=tuple(_QUOTED_ADDRESS.findall("<".join(reader.scripts))),
    )


class _Reader:
    """Parses a page piece by piece: a tag and the text after it."""

    def __init__(self) -> None:
        self.title: list[str] = []
        self.words: list[str] = []
        self.prose: list[str] = []
        self.forms: list[Form] = []
        self.refresh_targets: list[str] = []
        self.scripts: list[str] = []
        #: The comment or element that hides everything until its end.
        self._hidden_by = ""
        #: The element whose text is collected separately.
        self._aside = ""

    def take(self, piece: str) -> None:
        """Parse a piece of the page, from after one `<` to before the next."""
        if self._hidden_by == "!--" or (not self._hidden_by and piece.startswith("!--")):
            _, end, after = piece.partition("-->")
            self._hidden_by = "" if end else "!--"
            self.show(after)
            return
        tag, _, after = piece.partition(">")
        matched = _TAG_NAME.match(tag)
        name = matched[0].lower() if matched else ""
        if self._hidden_by:
            if name != f"/{self._hidden_by}":
                self._keep_script(piece)
                return
            self._hidden_by = ""
        elif name in _RAW:
            self._hidden_by = name
            self._keep_script(after)
            return
        self._note(name, tag[:MAX_TAG_CHARS])
        self.show(after)

    def _keep_script(self, text: str) -> None:
        if self._hidden_by == "script":
            self.scripts.append(text)

    def show(self, text: str) -> None:
        """Add text between tags."""
        if not text or text.isspace():
            return
        if self._aside == "title":
            self.title.append(text)
        elif self._aside != "noscript":
            self.words.append(text)
            if not self._aside:
                self.prose.append(text)

    def _note(self, name: str, tag: str) -> None:
        if name == f"/{self._aside}":
            self._aside = ""
        elif name in _ASIDE or (name == "title" and not self.title):
            self._aside = name
        if name == "form":
            attributes = _attributes(tag)
            called = f"{attributes.get('name', '')} {attributes.get('id', '')}"
            self.forms.append(Form(attributes.get("action", ""), called.strip().lower()))
        elif name == "input":
            self._note_field(_attributes(tag))
        elif name == "meta":
            attributes = _attributes(tag)
            if attributes.get("http-equiv", "").lower() == "refresh":
                self.refresh_targets += _REFRESH_TARGET.findall(attributes.get("content", ""))

    def _note_field(self, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "text").lower()
        if kind == "hidden":
            return
        if not self.forms:
            self.forms.append(Form())
        form = self.forms[-1]
        form.password_fields += kind == "password"
        form.fields |= {attributes[key].lower() for key in ("name", "id") if attributes.get(key)}


def _attributes(tag: str) -> dict[str, str]:
    return {match[1].lower(): unescaped(match[2] or match[3] or match[4] or "") for match in _ATTRIBUTE.finditer(tag)}


def _line(texts: list[str]) -> str:
    return " ".join(unescaped(" ".join(texts)).split())


def unescaped(text: str) -> str:
    """The text with character references replaced; unchanged if one of them is a number with thousands of digits."""
    from html import unescape  # half a megabyte of names, and few runs meet a page

    try:
        return unescape(text)
    except ValueError:
        return text
