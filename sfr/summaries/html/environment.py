"""The Jinja2 environment of the HTML summary: escapes every value, and forbids the page to load anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sfr.escaping.invisible import escape_invisible
from sfr.terminal.figures import count, counted, duration, local_time, size

#: Pieces of a page (a value, or the markup between two values) per encoded block.
PIECES_PER_BLOCK = 500


def render_template(name: str, **values: object) -> Iterator[bytes]:
    """Render a template with the values, in blocks of UTF-8.

    The page is rendered lazily: a template that loops over an iterator never holds all of its rows in memory.
    """
    stream = _environment().get_template(name).stream(**values)
    stream.enable_buffering(PIECES_PER_BLOCK)
    for text in stream:
        yield text.encode()


def visible(value: object) -> object:
    r"""A value as text for the page; applied to every expression of every template before it is escaped.

    Control characters, which HTML forbids, become escapes such as `\x1b`; None becomes nothing. Markup made by a macro
    is returned unchanged, since its values have been processed.
    """
    if isinstance(value, Markup):
        return value
    return "" if value is None else escape_invisible(str(value), keep_lines=True)


@cache  # it compiles the templates: once for a program that makes several pages
def _environment() -> Environment:
    loader = PackageLoader(__name__.rpartition(".")[0])
    environment = Environment(
        loader=loader,
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=count, counted=counted, size=size, duration=duration, local_time=local_time)
    style = loader.get_source(environment, "summary.css")[0].replace("\r\n", "\n")  # as normalised by browsers
    environment.globals.update(style=Markup(style), content_security_policy=content_security_policy(style))  # noqa: S704
    return environment


def content_security_policy(style: str) -> str:
    """A policy that forbids the page to load anything; its inline style sheet is allowed by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
