"""The checks of `sfr doctor` in their order, and the loop over them. A new check is a function and one line here."""

from __future__ import annotations

from collections.abc import Iterator

from sfr.commands.health import files, machine, network, outside, routes, session
from sfr.commands.health.base import MISSING, Check, Finding, SetUp, Status

CHECKS: tuple[Check, ...] = (
    Check(("configuration",), files.check_configuration),
    Check(("list",), files.check_list, ("loaded",)),
    Check(("files",), files.check_modes, ("loaded",)),
    Check(("certificate",), files.check_certificate, ("config",)),
    Check(("disk",), machine.check_disk, ("reports",)),
    Check(("lock",), machine.check_lock, ("config",)),
    Check(("history",), machine.check_history, ("config",)),
    Check(("extras",), machine.check_extras, ("reports",)),
    Check(("destinations",), outside.check_destinations, ("config",)),
    Check(("mail",), outside.check_mail, ("config",)),
    Check(("dns",), network.check_dns, ("transport",)),
    Check(("tls",), network.check_tls, ("transport", "address")),
    Check(("org",), network.check_org, ("transport", "address")),
    Check(("clock",), network.check_clock, ("org_date",)),
    Check(("log_in",), session.check_log_in, ("org_date",)),
    Check(("scopes",), session.check_scopes, ("connection",)),
    Check(("api_enabled",), session.check_api, ("connection",)),
    Check(("reports",), session.check_reports, ("reports", "connection")),
    Check(("classic", "analytics"), routes.check_routes, ("connection", "sample")),
)


def findings(set_up: SetUp) -> Iterator[Finding]:
    """Run the checks; one that lacks what it depends on is skipped."""
    for check in CHECKS:
        missing = next((need for need in check.needs if getattr(set_up, need) is None), None)
        if missing is not None:
            yield from (Finding(name, Status.SKIP, MISSING[missing]) for name in check.names)
            continue
        found = check.examine(set_up)
        yield from (found,) if isinstance(found, Finding) else found
