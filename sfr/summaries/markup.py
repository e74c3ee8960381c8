"""HTML by construction: text is escaped, attributes are quoted, and only `Markup` goes in as it is."""

from __future__ import annotations

import html
from collections.abc import Iterable

from sfr.escaping.invisible import escape_invisible

#: Elements without content, and how they end: HTML's own bare, SVG's with a slash.
_EMPTY_TAGS = {"meta": ">", "rect": "/>", "line": "/>", "polyline": "/>", "circle": "/>"}
#: SVG attributes that are not written in lower case.
_CAMEL_CASE = frozenset({"viewBox", "preserveAspectRatio"})


class Markup(str):
    """Text that is HTML already, made by `tag`."""

    __slots__ = ()


def text(value: str) -> Markup:
    """The text as HTML that shows it; what nobody would see (HTML forbids some of it) as escapes."""
    return Markup(html.escape(escape_invisible(value)))


def joined(parts: Iterable[str], separator: str = "") -> Markup:
    """The parts one after the other, each escaped unless it is `Markup`."""
    return Markup(separator.join(part if isinstance(part, Markup) else text(part) for part in parts))


def tag(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """An element. An attribute of None is left out; `class_` and `aria_label` become `class` and `aria-label`."""
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items() if value is not None)}"
    return Markup(f"{opening}{_EMPTY_TAGS[name]}" if name in _EMPTY_TAGS else f"{opening}>{joined(content)}</{name}>")


def _attribute(key: str, value: str | float) -> str:
    name = key if key in _CAMEL_CASE else key.rstrip("_").replace("_", "-")
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{text(shown)}"'
