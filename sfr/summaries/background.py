"""What a summary may show beside the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sfr.history.past import PastReport


@dataclass(frozen=True, slots=True)
class Background:
    """What earlier runs and the configuration tell."""

    #: Names the configuration in metrics: its file's name without ending.
    config_name: str = ""
    #: When the last run before this one that ended with 0 ended; None where there was none.
    last_success_at: datetime | None = None
    #: Earlier runs of each report, oldest first, by the report's position in the list.
    trends: Mapping[int, tuple[PastReport, ...]] = field(default_factory=dict)
