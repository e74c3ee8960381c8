"""Which versions of Salesforce's APIs SFR can use."""

from __future__ import annotations

import re

#: The first one with everything that SFR uses (Bulk API 2.0 query jobs).
OLDEST_VERSION = 47

_VERSION = re.compile(r"[1-9][0-9]\.0")


def check_api_version(text: str) -> str:
    """`latest`, or a version as Salesforce writes it in its URLs. Returns it; raises ValueError."""
    if text == "latest" or (_VERSION.fullmatch(text) and float(text) >= OLDEST_VERSION):
        return text
    raise ValueError(f'`latest` or a version such as "64.0", not before "{OLDEST_VERSION}.0"')
