"""`python -m sfr.fleet.machine_check`: the offline check of all orgs on one machine of several.

It gets the orgs as JSON on standard input, and prints problems, what is planned, and hashes of configurations and
report lists as JSON. Only hashes leave the machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from sfr.fleet.values import Org, PlannedOrg


@dataclass(frozen=True, slots=True)
class MachineReport:
    """What the check found on one machine."""

    machine: str
    problems: Sequence[str] = ()
    #: In list order, if there are no problems.
    planned: Sequence[PlannedOrg] = ()
    #: Path → SHA-256 of its content.
    hashes: Mapping[str, str] | None = None


def check_request(orgs: Sequence[Org], output: str) -> str:
    """What the check gets on standard input."""
    return json.dumps({"orgs": [asdict(org) for org in orgs], "output": output})


def read_report(machine: str, orgs: Sequence[Org], answer: str) -> MachineReport:
    """What the check printed. Raises ValueError if it is damaged."""
    try:
        found = json.loads(answer)
        plans = found["planned"]
        planned = [PlannedOrg(org, int(plan[0]), float(plan[1])) for org, plan in zip(orgs, plans, strict=bool(plans))]
        return MachineReport(machine, [str(each) for each in found["problems"]], planned, dict(found["hashes"]))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("no report of the check") from error


def differences(reports: Sequence[MachineReport]) -> Iterator[str]:
    """A problem per file and machine whose content is not that of the first machine that has the file."""
    first: dict[str, tuple[str, str]] = {}
    for report in reports:
        for path, digest in (report.hashes or {}).items():
            known, machine = first.setdefault(path, (digest, report.machine))
            if known != digest:
                yield f"{path}: not the same on {machine} and on {report.machine}; expected one content on all"


def hashes(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files; those that cannot be read are left out."""
    found = {}
    for path in dict.fromkeys(paths):
        try:
            with open(path, "rb") as file:
                found[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue
    return found


def _report(orgs: Sequence[Org], output: str) -> dict[str, object]:
    from sfr.errors import ConfigurationError
    from sfr.fleet.checking import check_orgs

    try:
        checked = check_orgs(orgs, os.environ, output)
    except ConfigurationError as error:
        return {"problems": error.problems, "planned": [], "hashes": hashes(org.config for org in orgs)}
    files = [path for one in checked.planned for path in (one.org.config, one.report_list) if path is not None]
    return {
        "problems": [],
        "planned": [(one.reports, one.stop_grace_s) for one in checked.planned],
        "hashes": hashes(files),
    }


def main() -> int:
    """Check the orgs that standard input names."""
    request = json.load(sys.stdin)
    print(json.dumps(_report([Org(**org) for org in request["orgs"]], request["output"])))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
