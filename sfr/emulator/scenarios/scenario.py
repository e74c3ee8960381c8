"""Scenarios: the org's settings, the rules for faults, and extra reports; from a YAML or JSON file or from mappings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from sfr.emulator.exports.footers import FOOTER_VARIANTS
from sfr.emulator.log_in.credentials import COMPANY, USER_FULL_NAME
from sfr.emulator.scenarios.actions import ScenarioError, build, make_action
from sfr.emulator.scenarios.rules import Attempts, Rule

#: What an org can be configured to ignore.
IGNORABLE = frozenset({"filters", "date", "scope"})
_RULE_KEYS = ("report", "path", "method", "credential", "chance", "delay_s", "footer")
#: The user's permissions that a scenario can take away.
PERMISSIONS = (API_ENABLED, RUN_REPORTS, EXPORT_REPORTS) = ("API Enabled", "Run Reports", "Export Reports")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the org as a whole. Every field can be set under `org:` in a scenario.

    concurrency_limit: concurrent exports and report runs; more get REQUEST_LIMIT_EXCEEDED.
    lose_sessions_after: all sessions end after that many exports, once; lose_sessions_every: repeatedly.
    session_s: idle seconds after which a session ends. step_up: which sessions need a second factor to export.
    rotate_refresh_tokens: a used refresh token is replaced and rejected from then on. scopes: of OAuth tokens.
    redirect_uris: the app's callback URLs; `*` stands for any port. require_pkce: the app demands a code challenge.
    require_secret: the app demands its secret for web log-ins and refresh tokens. code_s: seconds that an authorization
    code is good for.
    missing_permissions: what the user lacks: `API Enabled`, `Run Reports`, `Export Reports`.
    clock_offset_s: how far the `Date` header of responses is ahead.
    instance_url: the instance URL in log-in responses, verbatim; None = the address used by the client.
    latency_s: before every response. footer, company, user_name: of exports. gzip_level: of zlib.
    export_is_page: exports return the Lightning page, as in an org without Classic.
    daily_api_requests … hourly_async_report_runs: the org's limits, enforced. detail_row_limit: of report runs.
    query_job_failures: the error messages of the first query jobs, one job each.
    query_batch_rows, bulk_page_rows: page sizes. async_polls: how often an instance or job reports that it is still
    running.
    ignored: what the org ignores in a request, by API and export: `filters`, `date`, `scope`.
    workbook_rows, joined_workbook_rows, matrix_workbook_rows: rows at which workbooks are silently cut off.
    second_workbook: what happens to a workbook that is requested while another one is being sent; slow = 2 s more.
    async_runs_fail: asynchronous report runs end as Error. ordered_ids: False = id columns have no `greaterThan`.
    """

    concurrency_limit: int | None = None
    lose_sessions_after: int | None = None
    lose_sessions_every: int | None = None
    session_s: float = 7200
    step_up: Literal["never", "browser", "always"] = "never"
    rotate_refresh_tokens: bool = True
    scopes: tuple[str, ...] = ("api", "web", "refresh_token")
    redirect_uris: tuple[str, ...] = (
        "http://localhost:*/callback",
        "http://localhost:*/OauthRedirect",
        "https://login.salesforce.com/services/oauth2/success",
    )
    require_pkce: bool = False
    require_secret: bool = False
    code_s: float = 900
    missing_permissions: tuple[str, ...] = ()
    clock_offset_s: float = 0
    instance_url: str | None = None
    latency_s: float = 0
    footer: str = "standard"
    company: str = COMPANY
    user_name: str = USER_FULL_NAME
    gzip_level: int = 1
    export_is_page: bool = False
    daily_api_requests: int = 100_000
    hourly_report_runs: int = 500
    hourly_async_report_runs: int = 1_200
    detail_row_limit: int = 2_000
    query_batch_rows: int = 2_000
    bulk_page_rows: int = 50_000
    query_job_failures: tuple[str, ...] = ()
    async_polls: int = 1
    async_runs_fail: bool = False
    ordered_ids: bool = True
    ignored: tuple[str, ...] = ()
    workbook_rows: int = 100_000
    joined_workbook_rows: int = 20_000
    matrix_workbook_rows: int = 2_000
    second_workbook: Literal["served", "refused", "slow"] = "served"

    def __post_init__(self) -> None:
        if set(self.ignored) - IGNORABLE:
            raise ValueError(f"ignored: some of {', '.join(sorted(IGNORABLE))} are expected, not {self.ignored!r}")
        unknown = set(self.missing_permissions) - set(PERMISSIONS)
        if unknown:
            raise ValueError(f"missing_permissions: of {', '.join(PERMISSIONS)} are expected, not {min(unknown)!r}")
        if self.footer not in FOOTER_VARIANTS:
            raise ValueError(f"footer: one of {', '.join(FOOTER_VARIANTS)} is expected, not {self.footer!r}")


@dataclass(frozen=True, slots=True)
class CustomReport:
    """A report to add: `rows` rows, or at least `size_bytes`. saved: compressed once, then served from a file.

    row_limit, has_cross_filter: make the report one that the Analytics API cannot slice.
    has_record_count: False = the Analytics API does not count its rows.
    filters (mappings with column, operator, value), filter_logic, start_date, end_date: which rows it shows.
    """

    name: str
    rows: int | None = None
    size_bytes: int | None = None
    folder: str = "Custom Reports"
    saved: bool = False
    visible: bool = True
    row_limit: int | None = None
    has_cross_filter: bool = False
    has_record_count: bool = True
    filters: tuple[Mapping[str, str], ...] = ()
    filter_logic: str | None = None
    start_date: str | None = None
    end_date: str | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether it shows only some of its rows."""
        return bool(self.filters or self.start_date or self.end_date)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A complete scenario. The default is an org without faults."""

    settings: Settings = field(default_factory=Settings)
    rules: tuple[Rule, ...] = ()
    reports: tuple[CustomReport, ...] = ()
    seed: int = 0


def load_scenario(source: Scenario | Mapping[str, Any] | str | Path | None) -> Scenario:
    """Load a scenario from a Scenario, a mapping, or the path of a YAML or JSON file. Raises ScenarioError, OSError."""
    if source is None:
        return Scenario()
    if isinstance(source, Scenario):
        return source
    if isinstance(source, (str, Path)):
        return load_scenario(_read(Path(source)))
    unknown = set(source) - {"org", "rules", "reports", "seed"}
    if unknown:
        raise ScenarioError(f"unknown key {min(unknown)!r}; expected: org, rules, reports, seed")
    rules = make_rules(source.get("rules") or ())
    reports = tuple(build(CustomReport, entry, "reports") for entry in source.get("reports") or ())
    return Scenario(make_settings(source.get("org") or {}), rules, reports, int(source.get("seed") or 0))


def make_settings(options: Mapping[str, Any]) -> Settings:
    """Settings from a mapping. Raises ScenarioError."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return cast("Settings", build(Settings, values, "org"))


def make_rules(entries: Sequence[Rule | Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules from rules or mappings. Raises ScenarioError with the number of the invalid rule."""
    rules = []
    for number, entry in enumerate(entries, start=1):
        try:
            rules.append(entry if isinstance(entry, Rule) else _make_rule(entry))
        except ScenarioError as error:
            raise ScenarioError(f"rule {number}: {error}") from None
    return tuple(rules)


def _make_rule(entry: Mapping[str, Any]) -> Rule:
    options = dict(entry)
    targets = {key: options.pop(key) for key in _RULE_KEYS if key in options}
    attempts = Attempts.parse(options.pop("attempts", "*"))
    action = options.pop("action", "answer")
    made = make_action(action, options) if isinstance(action, str) else action
    if targets.get("footer") is not None and targets["footer"] not in FOOTER_VARIANTS:
        raise ScenarioError(f"footer: one of {', '.join(FOOTER_VARIANTS)} is expected, not {targets['footer']!r}")
    return cast("Rule", build(Rule, {**targets, "action": made, "attempts": attempts}, "rule"))


def _read(path: Path) -> Mapping[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        import json

        loaded: object = json.loads(text)
    else:
        import yaml

        loaded = yaml.safe_load(text)
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ScenarioError(f"{path}: a mapping with org, rules, reports is expected")
    return loaded
