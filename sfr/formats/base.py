"""What an output format is: an entry of the registry, and what it is given to write with."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfr.content.header import Header


class Sink:
    """Where a format writes the bytes of the report file."""

    def write(self, block: bytes, /) -> None:
        """Append all of `block`; raises OSError."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Layout:
    """What a format may need to know of the CSV that it is given."""

    header: Header
    #: Python codec of the CSV's text.
    encoding: str
    #: `text` or `infer`, for formats that have types.
    types: str
    #: Start of the path of a file that a format may make for itself (`sfr.files.trusted.make`) and must remove.
    scratch_start: str


def nothing_missing() -> str | None:
    """For formats that need no extra."""
    return None


@dataclass(frozen=True, slots=True)
class Format:
    """An output format: a file of this package, and one line in `FORMATS`."""

    #: The setting's value and the file's ending.
    name: str
    #: Writes data blocks (the CSV less its footer, header first) to the sink, in constant memory. Raises ReportError
    #: `not_csv` where the data is not what the format can hold, and lets through what the blocks and the sink raise.
    write: Callable[[Iterable[bytes], Sink, Layout], None]
    #: A sentence saying what to install, or None if all is there.
    missing_extra: Callable[[], str | None] = nothing_missing
    #: True if the file's bytes are the data's, so that a spooled body can become the file.
    is_plain: bool = False
    #: True if the file holds the CSV's text, of which a footer may be kept.
    is_csv: bool = False
