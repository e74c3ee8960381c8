"""The engine `index`: this process runs one org; a scheduler (Kubernetes, Slurm) starts one process per org."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfr.errors import UsageError
from sfr.fleet.local import LocalEngine
from sfr.fleet.settings import FleetSettings
from sfr.fleet.values import Org
from sfr.wording import quoted

_MAX_DIGITS = 9


def own_org(orgs: Sequence[Org], variable: str, environ: Mapping[str, str]) -> Org:
    """The org of this process. Raises UsageError if the variable holds no number of an org."""
    text = environ.get(variable)
    numbers = f"a number from 0 to {len(orgs) - 1:,}, in the order of `orgs`"
    if text is None:
        raise UsageError(f"engine: index: the environment variable {variable} is not set; expected {numbers}")
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS or int(text) >= len(orgs):
        raise UsageError(f"engine: index: {variable} is {quoted(text)}; expected {numbers}")
    return orgs[int(text)]


def open_engine(_settings: FleetSettings) -> LocalEngine:
    """The engine; the scheduler takes care of the other processes."""
    return LocalEngine(1)
