"""Recognises texts that are not what was expected, by a table whose first matching entry applies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import AnyStr, Generic


@dataclass(frozen=True, slots=True)
class Shape(Generic[AnyStr]):
    """A kind of text that is something else than what was expected."""

    #: Compiled on demand, since few texts are compared with a whole table.
    pattern: AnyStr
    #: What messages say about such a text.
    what: str
    #: What to do, where messages say that in a sentence of its own.
    remedy: str = ""


def first_shape(shapes: Iterable[Shape[AnyStr]], text: AnyStr, *, is_anywhere: bool = False) -> Shape[AnyStr] | None:
    """The first shape whose pattern matches at the start of the text, or anywhere in it; None if there is none."""
    find = re.search if is_anywhere else re.match
    return next((shape for shape in shapes if find(shape.pattern, text)), None)
