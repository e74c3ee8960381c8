"""The Jinja2 environment of SFR's pages: every value is escaped, and the page loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sfr.escaping.invisible import escape_invisible
from sfr.terminal.figures import count, counted, duration, local_time, size

#: Pieces of a page (a value, or the markup between two values) that are encoded at a time.
PIECES_PER_BLOCK = 500


def render_template(name: str, **values: object) -> Iterator[bytes]:
    """The page that this template makes of the values, in blocks of UTF-8.

    The page is made while it is read: a template that loops over an iterator never has all of its rows in memory.
    """
    stream = _environment().get_template(name).stream(**values)
    stream.enable_buffering(PIECES_PER_BLOCK)
    for text in stream:
        yield text.encode()


def visible(value: object) -> object:
    r"""What the page shows of a value: every expression of every template passes through here before it is escaped.

    Control characters, which HTML forbids, become escapes such as `\x1b`; None becomes nothing. Markup that a macro
    made of values has passed through here already.
    """
    if isinstance(value, Markup):
        return value
    return "" if value is None else escape_invisible(str(value), keep_lines=True)


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
    style = loader.get_source(environment, "summary.css")[0].replace("\r\n", "\n")  # as browsers read it
    environment.globals.update(style=Markup(style), content_security_policy=content_security_policy(style))  # noqa: S704
    return environment


def content_security_policy(style: str) -> str:
    """The policy that lets the page load nothing at all: the one style sheet inside it is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
