"""Connects to the org for commands other than a run: one log-in, no retries, no threads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sfr.runner import assembly
from sfr.runner.embedded_org import with_embedded_org
from sfr.salesforce.connection import Connection
from sfr.salesforce.http.transport import open_transport
from sfr.salesforce.org_check import examine

if TYPE_CHECKING:
    from sfr.config.settings import Config
    from sfr.redaction import Redactor

log = logging.getLogger(__name__)


@contextmanager
def connect(config: Config, redactor: Redactor) -> Iterator[Connection]:
    """Log in and check the session, like a run. Raises `LogInError` or `ReportError`."""
    with (
        with_embedded_org(config) as org_config,
        closing(open_transport(assembly.transport_options(org_config))) as transport,
    ):
        sessions = assembly.sessions(org_config, transport, redactor)
        session = sessions.log_in()
        api_version, warnings = examine(
            transport,
            session,
            org_config.salesforce.api_version,
            lambda: assembly.log_in_deadline(org_config),
            must_respond=True,
        )
        for warning in (*warnings, *sessions.notes):
            log.warning("%s", warning)
        yield Connection(transport, session, api_version)
