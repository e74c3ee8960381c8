"""What a summary shows besides the run itself: earlier runs, and the configuration's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sfr.history.past import PastReport


@dataclass(frozen=True, slots=True)
class Background:
    """Facts from earlier runs and the configuration."""

    #: Identifies the configuration in metrics: its file name without extension.
    config_name: str = ""
    #: When the last earlier run of a whole list with exit code 0 ended; None if there was none.
    last_success_at: datetime | None = None
    #: Earlier runs of each report, oldest first, by the report's position in the list.
    trends: Mapping[int, tuple[PastReport, ...]] = field(default_factory=dict)
