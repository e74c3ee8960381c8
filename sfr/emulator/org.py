"""The state of an emulated org that outlives requests. Handles no requests itself."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sfr.emulator.analytics.instance_store import InstanceStore
from sfr.emulator.analytics.run_rows import RowOrders
from sfr.emulator.catalogue.catalogue import Catalogue
from sfr.emulator.catalogue.ids import short_id
from sfr.emulator.exports.csv_text import CsvTiles
from sfr.emulator.exports.saved_exports import SavedExports
from sfr.emulator.http.request import Request
from sfr.emulator.http.request_log import RequestLog
from sfr.emulator.log_in.authorization_codes import AuthorizationCodes
from sfr.emulator.log_in.credentials import MY_DOMAIN, Credentials
from sfr.emulator.log_in.refresh_tokens import RefreshTokens
from sfr.emulator.log_in.sessions import SessionStore
from sfr.emulator.records.cursor_store import CursorStore
from sfr.emulator.records.job_store import JobStore
from sfr.emulator.records.soql_tables import Database
from sfr.emulator.scenarios.custom_reports import make_report
from sfr.emulator.scenarios.rules import Rule, RuleBook
from sfr.emulator.scenarios.scenario import CustomReport, Scenario, Settings
from sfr.emulator.usage import Usage

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


class Org:
    """The state of one emulated org. `url` and `credentials` are complete once the emulator has started."""

    def __init__(self, scenario: Scenario, directory: Path, certificate: Path | None = None) -> None:
        self.url = ""
        self.directory = directory
        #: PEM certificate that is trusted for JWT log-ins, beside the org's own key; read at every log-in.
        self.certificate = certificate
        self.credentials = Credentials()
        self.catalogue = Catalogue(str(scenario.seed))
        self.tiles = CsvTiles()
        self.saved_exports = SavedExports(directory, self.tiles)
        self.requests = RequestLog()
        self.usage = Usage()
        self.settings: Settings = scenario.settings
        self.rules = RuleBook(scenario.rules, scenario.seed)
        self.sessions = SessionStore(time.monotonic, lambda: self.settings.session_s)
        self.sessions.issue("browser", token=self.credentials.sid)
        self.refresh_tokens = RefreshTokens(self.credentials.refresh_token)
        self.authorization_codes = AuthorizationCodes(time.monotonic)
        self.query_cursors = CursorStore()
        self.query_jobs = JobStore()
        self.report_instances = InstanceStore()
        self.row_orders = RowOrders()
        self._seed = scenario.seed
        self._key_lock = threading.Lock()
        self._public_key: RSAPublicKey | None = None
        for report in scenario.reports:
            self.add_report(report)

    def add_report(self, custom: CustomReport) -> str:
        """Add a report; its 18-character id. Raises ScenarioError for filters that Salesforce would reject."""
        report = make_report(self.catalogue, self.tiles, custom)
        self.catalogue.add(report)
        return report.id

    def apply(self, scenario: Scenario) -> None:
        """Replace settings and rules, reset the counts of attempts, add the scenario's reports."""
        self.settings = scenario.settings
        self.set_rules(scenario.rules)
        for report in scenario.reports:
            self.add_report(report)

    def set_rules(self, rules: tuple[Rule, ...]) -> None:
        """Replace the rules; attempts are counted from 1 again."""
        self.rules = RuleBook(rules, self._seed)

    @property
    def database(self) -> Database:
        """The data source of queries."""
        return Database(self.catalogue, self.credentials.username, self.settings.user_name, self.settings.company)

    def private_key(self) -> RSAPublicKey:
        """The public key for JWT log-ins; makes the key pair and its file at first use."""
        from sfr.emulator.log_in.keys import write_private_key

        with self._key_lock:
            if self._public_key is None:
                path, self._public_key = write_private_key(self.directory, "jwt.key")
                self.credentials = replace(self.credentials, private_key_file=str(path))
            return self._public_key

    def jwt_keys(self) -> tuple[RSAPublicKey, ...]:
        """The public keys of JWT log-ins: the org's own, and that of `certificate` once it exists."""
        from sfr.emulator.log_in.keys import read_certificate

        try:
            return (self.private_key(), *([read_certificate(self.certificate)] if self.certificate else ()))
        except (OSError, ValueError):
            return (self.private_key(),)

    def report_of(self, request: Request) -> tuple[str, str]:
        """The 15-character id and the name of the report in the path; empty strings without one."""
        for part in request.path.split("/"):
            if part.startswith("00O") and (report_id := short_id(part)):
                report = self.catalogue.find(report_id)
                return report_id, report.name if report else ""
        return "", ""

    def base_url(self, request: Request) -> str:
        """The org's own address as seen by this client: its Host header, if that is loopback or a Salesforce host."""
        name = request.host.partition(":")[0].lower()
        if name in ("login.salesforce.com", "test.salesforce.com"):
            return f"https://{MY_DOMAIN}"
        if name.endswith((".salesforce.com", ".force.com")):
            return f"https://{name}"
        if name in ("localhost", "127.0.0.1"):
            return f"{request.scheme}://{request.host}"
        return self.url

    def instance_url(self, request: Request) -> str:
        """The instance URL in log-in responses."""
        return self.settings.instance_url or self.base_url(request)
