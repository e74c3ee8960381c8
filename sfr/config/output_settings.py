"""The options of `output`, `summary`, `history`, `guards` and `notify`: what a run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.config.checks import check_file_mode, check_notify_url
from sfr.config.fields import option
from sfr.redaction import Secret

FOOTERS = ("required", "optional")
COLUMN_GUARDS = ("any", "same")
EMPTY_GUARDS = ("true", "false", "warn")


@dataclass(frozen=True, slots=True)
class Output:
    """`output`: where report files go, and in which form."""

    directory: str = option("Directory of reports whose list row has no path.", default="output", is_path=True)
    format: str = option("Format of the report files.", default="csv", registry="sfr.formats:FORMATS")
    checksum: str = option("Checksum of the report files.", default="sha256", choices=("sha256", "none"))
    footer: str = option(
        "`required`: an export without its footer is cut, and fails; `optional`: it is saved with a message, "
        "for orgs that switch the footer off.",
        default="required",
        choices=FOOTERS,
    )
    keep_footer: bool = option("Leave the footer in the saved file.", default=False)
    if_unchanged: str = option(
        "`skip` leaves an identical file untouched; `replace` writes it anew.",
        default="skip",
        choices=("skip", "replace"),
    )
    file_mode: str = option("Permissions of report files, octal, in quotes.", default="0640", check=check_file_mode)
    keep: int | None = option(
        "Of files whose name holds a date: how many old ones stay; only files that the history knows are deleted. "
        "null = all.",
        default=None,
        minimum=0,
        maximum=1_000_000,
    )
    types: str = option(
        "Parquet columns: `text` keeps every cell as it is, `infer` finds numbers, dates and booleans.",
        default="text",
        choices=("text", "infer"),
    )

    @property
    def file_mode_bits(self) -> int:
        """`file_mode` as the number that `os.fchmod` takes."""
        return int(self.file_mode, 8)


@dataclass(frozen=True, slots=True)
class SummaryTarget:
    """One of `summary`: a summary of the run in one format."""

    format: str = option("Format of this summary.", registry="sfr.summaries:FORMATS")
    path: str | None = option(
        "Where it is written; null = `<output.directory>/summary_report.<format>`.", default=None, is_path=True
    )
    columns: tuple[str, ...] | None = option("Picks and orders the columns; null = all.", default=None)


DEFAULT_SUMMARY = (SummaryTarget("csv"), SummaryTarget("json"), SummaryTarget("html"))


@dataclass(frozen=True, slots=True)
class History:
    """`history`: what earlier runs did."""

    path: str | None = option(
        "SQLite file; null = `<output.directory>/.sfr/history.sqlite3`.", default=None, is_path=True
    )
    keep_runs: int = option("Runs that stay in the history.", default=400, minimum=1, maximum=1_000_000)
    resume_max_age_h: float = option(
        "`--resume` looks at runs begun at most so long ago. Hours.", default=12.0, minimum=0, maximum=24 * 366
    )


@dataclass(frozen=True, slots=True)
class Notify:
    """`notify`: who is told how a run ended. URLs are secrets."""

    ping: Secret | None = option(
        "URL in the manner of healthchecks.io, asked at start and end.", default=None, check=check_notify_url
    )
    webhook: Secret | None = option(
        "URL that gets a JSON object by POST at the end: `text` for chats, `run` and `failed` for programs.",
        default=None,
        check=check_notify_url,
    )
    command: tuple[str, ...] | None = option(
        "Program and arguments, run with the JSON summary's path as last argument; needs a JSON summary.",
        default=None,
    )


@dataclass(frozen=True, slots=True)
class Guards:
    """`guards`: what must hold of a new report before it replaces the old one; a list row may say otherwise."""

    min_rows: int | None = option("Fewest rows; null = any.", default=None, minimum=0, maximum=2**53)
    max_drop_pct: float | None = option(
        "Largest fall of the row count against the last good run; null = any. Percent.",
        default=None,
        minimum=0,
        maximum=100,
    )
    columns: str = option("`same`: the header must be that of the last good run.", default="any", choices=COLUMN_GUARDS)
    may_be_empty: str = option(
        "Whether a report without rows is saved: `true`, `false` or `warn` (saved, with a message).",
        default="warn",
        choices=EMPTY_GUARDS,
    )
