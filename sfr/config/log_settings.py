"""The options of `logging`: console and file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sfr.options.section import Section
from sfr.options.types import MAX_SIZE_BYTES, LocalPath

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class ConsoleLog(Section):
    """`logging.console`: logging to stderr."""

    level: Level = Field(default="WARNING", description="Minimum level shown.")
    color: Literal["auto", "always", "never"] = Field(
        default="auto", description="`auto` uses colour on a terminal; NO_COLOR and FORCE_COLOR are respected."
    )


class FileLog(Section):
    """`logging.file`: the rotating log file."""

    path: LocalPath | None = Field(default="logs/sfr.log", description="Log file; null = none.")
    level: Level = Field(default="DEBUG", description="Minimum level written.")
    max_bytes: int = Field(
        default=1_000_000, ge=0, le=MAX_SIZE_BYTES, description="Bytes at which the log is rotated; 0 = never."
    )
    backups: int = Field(default=3, ge=0, le=1000, description="Number of rotated files to keep.")


class Logging(Section):
    """`logging`: console and file."""

    console: ConsoleLog = Field(default_factory=ConsoleLog, description="Logging to stderr.")
    file: FileLog = Field(default_factory=FileLog, description="Rotating log file.")
