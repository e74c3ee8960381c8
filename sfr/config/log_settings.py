"""The options of `logging`: console and file."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.config.fields import LARGEST_BYTES, option

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class ConsoleLog:
    """`logging.console`: log lines on stderr."""

    level: str = option("Lowest level shown.", default="WARNING", choices=LEVELS)
    color: str = option(
        "`auto` colours a terminal; NO_COLOR and FORCE_COLOR are heeded.",
        default="auto",
        choices=("auto", "always", "never"),
    )


@dataclass(frozen=True, slots=True)
class FileLog:
    """`logging.file`: the rotating log file."""

    path: str | None = option("The log file; null = none.", default="logs/sfr.log", is_path=True)
    level: str = option("Lowest level written.", default="DEBUG", choices=LEVELS)
    max_bytes: int = option(
        "Size at which a new file is begun; 0 = never. Bytes.",
        default=1_000_000,
        minimum=0,
        maximum=LARGEST_BYTES,
    )
    backups: int = option("Older files that stay.", default=3, minimum=0, maximum=1000)


@dataclass(frozen=True, slots=True)
class Logging:
    """`logging`: console and file."""

    console: ConsoleLog = option("Log lines on stderr.", default_factory=ConsoleLog)
    file: FileLog = option("The log file.", default_factory=FileLog)
