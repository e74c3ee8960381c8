"""The Python API of the emulator: start and stop it, inspect it, change its behaviour."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sfr.emulator.catalogue.catalogue import ReportEntry
from sfr.emulator.exchange import begin_exchange
from sfr.emulator.exports.classic import prepare_saved
from sfr.emulator.exports.csv_text import CsvForm
from sfr.emulator.http.request_log import RequestLog
from sfr.emulator.http.server import Server
from sfr.emulator.log_in.credentials import Credentials
from sfr.emulator.log_in.keys import TlsKind, make_tls_files
from sfr.emulator.log_in.sessions import SessionKind
from sfr.emulator.org import Org
from sfr.emulator.scenarios.rules import Rule
from sfr.emulator.scenarios.scenario import CustomReport, Scenario, Settings, load_scenario, make_rules


class Emulator:
    """An emulated Salesforce org on 127.0.0.1. Use it as a context manager, or call `start` and `stop`.

    scenario: None, a Scenario, a mapping, or the path of a YAML or JSON file.
    tls: True for https with a throw-away CA (`ca_file`), or a flaw: "expired", "wrong_host", "unknown_ca".
    directory: for the files it makes; default: a temporary one, removed by `stop`.
    port: 0 = any free one.
    certificate: PEM file of a certificate trusted for JWT log-ins, like one uploaded to the app; may appear later.

    Raises ScenarioError for an invalid scenario, OSError if it cannot listen or write its files.
    """

    def __init__(
        self,
        scenario: Scenario | Mapping[str, Any] | str | Path | None = None,
        *,
        tls: bool | TlsKind = False,
        directory: str | Path | None = None,
        port: int = 0,
        certificate: str | Path | None = None,
    ) -> None:
        self._scenario = load_scenario(scenario)
        self._tls: TlsKind | None = ("good" if tls is True else tls) or None
        self._directory = Path(directory) if directory is not None else None
        self._port = port
        self._certificate = Path(certificate).absolute() if certificate is not None else None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._server: Server | None = None
        self._org: Org | None = None
        self.ca_file: str | None = None

    def start(self) -> Self:
        """Start listening; returns the emulator."""
        if self._directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="sfr-emulator-", ignore_cleanup_errors=True)
        directory = self._directory or Path(self._temporary.name if self._temporary else ".")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            org = Org(self._scenario, directory, self._certificate)
            context = None
            if self._tls is not None:
                files = make_tls_files(directory, self._tls)
                self.ca_file, context = str(files.ca_file), files.server_context()
            server = Server(partial(begin_exchange, org), lambda: org.settings.gzip_level, context)
            port = server.start(self._port)
        except BaseException:
            self._remove_files()
            raise
        org.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
        self._org, self._server = org, server
        return self

    def stop(self) -> None:
        """End every connection at once, stop listening, remove the temporary directory. Idempotent."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._remove_files()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def org(self) -> Org:
        """The org's state. Raises RuntimeError before the start."""
        if self._org is None:
            raise RuntimeError("the emulator has not been started")
        return self._org

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT` or `https://…`."""
        return self.org.url

    @property
    def credentials(self) -> Credentials:
        """Everything a client can log in with. Makes the JWT key pair at first use."""
        self.org.private_key()
        return self.org.credentials

    @property
    def private_key_file(self) -> str:
        """The PEM file of the JWT key; made at first use."""
        return self.credentials.private_key_file

    @property
    def sid(self) -> str:
        """The session id of `credentials`, without making a key pair."""
        return self.org.credentials.sid

    @property
    def requests(self) -> RequestLog:
        """The log of requests received."""
        return self.org.requests

    @property
    def reports(self) -> tuple[ReportEntry, ...]:
        """The reports that clients can export."""
        return self.org.catalogue.entries()

    def report(self, name_or_id: str) -> ReportEntry:
        """A report by name or id, hidden ones included; KeyError if there is none."""
        found = self.org.catalogue.named(name_or_id)
        return ReportEntry(found.id, found.name, found.folder, found.format, found.shown_rows)

    def expected_csv(self, name_or_id: str, *, encoding: str = "utf-8", separator: str = ",") -> Iterator[bytes]:
        """The bytes of a report's export without its footer, in blocks."""
        return self.org.tiles.blocks(self.org.catalogue.named(name_or_id), CsvForm(encoding, separator))

    def add_report(
        self,
        name: str,
        *,
        rows: int | None = None,
        size_bytes: int | None = None,
        folder: str = "Custom Reports",
        saved: bool = False,
        visible: bool = True,
    ) -> str:
        """Add a generated tabular report with `rows` rows, or of at least `size_bytes`; its 18-character id.

        saved: compressed once, at the first request or by `prepare`, and then served from a file.
        """
        return self.org.add_report(CustomReport(name, rows, size_bytes, folder, saved, visible))

    def add_records(self, name: str, labels: Sequence[str], records: Sequence[Sequence[str]]) -> str:
        """Add a report of exactly these text records (at most 1,000); its 18-character id."""
        report = self.org.catalogue.new_listed_report(name, tuple(labels), tuple(map(tuple, records)))
        self.org.catalogue.add(report)
        return report.id

    def prepare(self, name_or_id: str) -> None:
        """Compress a `saved` report's default export now."""
        prepare_saved(self.org, self.org.catalogue.named(name_or_id))

    def apply(self, scenario: Scenario | Mapping[str, Any] | str | Path | None) -> None:
        """Replace settings and rules at run time; attempts are counted from 1 again."""
        self.org.apply(load_scenario(scenario))

    def set_rules(self, *rules: Rule | Mapping[str, Any]) -> None:
        """Replace the rules at run time; none = no faults."""
        self.org.set_rules(make_rules(rules))

    def change(self, **settings: Any) -> Settings:
        """Change some of the org's settings at run time; the new settings."""
        self.org.settings = replace(self.org.settings, **settings)
        return self.org.settings

    def end_sessions(self) -> None:
        """End all sessions, the one of `sid` included."""
        self.org.sessions.end_all()

    def new_sid(self, kind: SessionKind = "browser") -> str:
        """A new session's id."""
        return self.org.sessions.issue(kind).token

    def verify_step_up(self) -> None:
        """Mark the user of every live session as having passed the second factor."""
        self.org.sessions.verify_all()

    def _remove_files(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None


def start(scenario: Scenario | Mapping[str, Any] | str | Path | None = None, **options: Any) -> Emulator:
    """Start an emulator; the caller stops it."""
    return Emulator(scenario, **options).start()
