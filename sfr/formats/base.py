"""Defines an output format: its registry entry, and the interface it writes to."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfr.body.header import Header


class Sink:
    """Where a format writes the bytes of the report file."""

    def write(self, block: bytes, /) -> None:
        """Append all of `block`; raises OSError."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Layout:
    """Facts about the CSV that a format may need."""

    header: Header
    #: Python codec of the CSV's text.
    encoding: str
    #: `text` or `infer`, for formats that have types.
    types: str
    #: Start of the path of a file that a format may make for itself (`trusted.create_private`) and must remove.
    scratch_start: str
    #: The report's file name without suffix.
    name: str = "report"


def nothing_missing() -> str | None:
    """For formats without an optional package."""
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """An output format: a file of this package, and one line in `FORMATS`."""

    #: The value of the setting, and the suffix of the file.
    name: str
    #: Writes data blocks (the CSV with header, without footer) to the sink, in constant memory. Raises ReportError
    #: `not_csv` for data that the format cannot represent, `invalid` for more than it can hold; errors of the blocks
    #: and the sink pass through.
    write: Callable[[Iterable[bytes], Sink, Layout], None]
    #: A message that says what to install, or None if nothing is missing.
    missing_extra: Callable[[], str | None] = nothing_missing
    #: True if the file has the same bytes as the data, so that a spooled body can become the file.
    is_plain: bool = False
    #: True if the file contains the text of the CSV, so that a footer can be kept.
    is_csv: bool = False
