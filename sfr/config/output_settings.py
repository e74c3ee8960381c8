"""The options of `output`, `summary`, `history`, `guards` and `notify`: the results of a run."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema

from sfr.config.email_settings import Email
from sfr.formats import FORMATS
from sfr.options.section import Section
from sfr.options.types import LocalPath, NameIn, NotifyUrl, Texts, WrittenText, sentence
from sfr.summaries import FORMATS as SUMMARY_FORMATS
from sfr.summaries.columns import COLUMN_NAMES

Footer = Literal["required", "optional"]
FOOTERS: tuple[str, ...] = get_args(Footer)
ColumnGuard = Literal["any", "same"]
COLUMN_GUARDS: tuple[str, ...] = get_args(ColumnGuard)
EmptyGuard = Literal["true", "false", "warn"]
EMPTY_GUARDS: tuple[str, ...] = get_args(EmptyGuard)

_FILE_MODE = re.compile(r"0[0-7]{3}")


def _check_file_mode(text: str) -> str:
    """Octal permissions that still let SFR itself read and replace the file."""
    if _FILE_MODE.fullmatch(text) and int(text, 8) & 0o600 == 0o600:
        return text
    raise ValueError('octal permissions in quotes, such as "0640", that let the owner read and write')


def _check_extra(name: str) -> str:
    missing = FORMATS[name].missing_extra()
    if missing:
        raise sentence(missing)
    return name


def _check_each_once(columns: tuple[str, ...]) -> tuple[str, ...]:
    for position, column in enumerate(columns):
        if column in columns[:position]:
            raise sentence(f"lists the column `{column}` twice; expected it once")
    return columns


FormatName = Annotated[str, NameIn(FORMATS), AfterValidator(_check_extra)]
SummaryFormatName = Annotated[str, NameIn(SUMMARY_FORMATS)]
SummaryColumns = Annotated[
    tuple[Annotated[str, NameIn(COLUMN_NAMES)], ...], Field(min_length=1), AfterValidator(_check_each_once)
]


DestinationName = Annotated[str, WithJsonSchema({"type": "string"})]


class Output(Section):
    """`output`: location and format of report files."""

    directory: LocalPath = Field(default="output", description="Directory for reports whose list row has no path.")
    format: FormatName = Field(default="csv", description="Format of the report files.")
    checksum: Literal["sha256", "none"] = Field(default="sha256", description="Checksum of the report files.")
    footer: Footer = Field(
        default="required",
        description="`required`: an export without its footer is truncated, and fails; `optional`: it is saved with a "
        "message, for orgs that disable the footer.",
    )
    keep_footer: bool = Field(default=False, description="Keep the footer in the saved file.")
    if_unchanged: Literal["skip", "replace"] = Field(
        default="skip", description="`skip` leaves an identical file untouched; `replace` rewrites it."
    )
    file_mode: Annotated[WrittenText, AfterValidator(_check_file_mode)] = Field(
        default="0640", description="Permissions of report files: octal, in quotes."
    )
    keep: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="Number of old files to keep, for file names with a date; only files recorded in the history are "
        "deleted. null = all.",
    )
    types: Literal["text", "infer"] = Field(
        default="text",
        description="Types in `parquet` and `xlsx`: `text` keeps every cell as is, `infer` detects numbers and dates, "
        "in `parquet` booleans too.",
    )

    deliver: tuple[DestinationName, ...] = Field(
        default=(), description="Names of the `destinations` of every report whose row does not name its own."
    )

    @property
    def file_mode_bits(self) -> int:
        """`file_mode` as a number for `os.fchmod`."""
        return int(self.file_mode, 8)


class SummaryTarget(Section):
    """One of `summary`: a summary of the run in one format."""

    format: SummaryFormatName = Field(description="Format of this summary.")
    path: LocalPath | None = Field(
        default=None, description="Path of the summary; null = `<output.directory>/summary_report.<format>`."
    )
    columns: SummaryColumns | None = Field(default=None, description="Selects and orders the columns; null = all.")


DEFAULT_SUMMARY = tuple(SummaryTarget(format=name) for name in ("csv", "json", "html"))


class History(Section):
    """`history`: the record of earlier runs."""

    path: LocalPath | None = Field(
        default=None, description="SQLite file; null = `<output.directory>/.sfr/history.sqlite3`."
    )
    keep_runs: int = Field(default=400, ge=1, le=1_000_000, description="Number of runs to keep in the history.")
    resume_max_age_h: float = Field(
        default=12.0, ge=0.0, le=24.0 * 366, description="Hours since its start after which `--resume` ignores a run."
    )


class Notify(Section):
    """`notify`: notifications about a run. URLs are secrets."""

    ping: NotifyUrl | None = Field(
        default=None, description="URL in the style of healthchecks.io, requested at start and end."
    )
    webhook: NotifyUrl | None = Field(
        default=None,
        description="URL that receives a JSON object by POST at the end: `text` for chats, `run` and `failed` for "
        "programs.",
    )
    command: Texts | None = Field(
        default=None,
        description="Program and arguments, run with the JSON summary's path as the last argument; requires a JSON "
        "summary.",
    )
    email: Email | None = Field(default=None, description="Message by e-mail at the end.")


class Guards(Section):
    """`guards`: checks a new report must pass before it replaces the old one; list rows can override them."""

    min_rows: int | None = Field(default=None, ge=0, le=2**53, description="Minimum number of rows; null = no minimum.")
    max_drop_pct: float | None = Field(
        default=None,
        ge=0.0,
        le=100.0,
        description="Percent, largest drop in the row count since the last good run; null = no limit.",
    )
    columns: ColumnGuard = Field(default="any", description="`same`: the header must match the last good run's.")
    may_be_empty: EmptyGuard = Field(
        default="warn",
        description="Whether to save a report without rows: `true`, `false` or `warn` (saved, with a message).",
    )
