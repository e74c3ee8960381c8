"""The options of `logging`: console and file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sfr.options.section import Section
from sfr.options.types import LARGEST_BYTES, LocalPath

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class ConsoleLog(Section):
    """`logging.console`: log lines on stderr."""

    level: Level = Field(default="WARNING", description="Lowest level shown.")
    color: Literal["auto", "always", "never"] = Field(
        default="auto", description="`auto` colours a terminal; NO_COLOR and FORCE_COLOR are heeded."
    )


class FileLog(Section):
    """`logging.file`: the rotating log file."""

    path: LocalPath | None = Field(default="logs/sfr.log", description="The log file; null = none.")
    level: Level = Field(default="DEBUG", description="Lowest level written.")
    max_bytes: int = Field(
        default=1_000_000, ge=0, le=LARGEST_BYTES, description="Size at which a new file is begun; 0 = never. Bytes."
    )
    backups: int = Field(default=3, ge=0, le=1000, description="Older files that stay.")


class Logging(Section):
    """`logging`: console and file."""

    console: ConsoleLog = Field(default_factory=ConsoleLog, description="Log lines on stderr.")
    file: FileLog = Field(default_factory=FileLog, description="The log file.")
