"""Checks of single options that their type cannot judge: each returns what is expected, None if the text is right."""

from __future__ import annotations

import re
from collections.abc import Callable

_API_VERSION = re.compile(r"[1-9][0-9]\.0")
_FILE_MODE = re.compile(r"0[0-7]{3}")
#: The first API version with all that SFR asks for (Bulk API 2.0 query jobs).
OLDEST_API_VERSION = 47


def check_api_version(text: str) -> str | None:
    """`latest`, or a version as Salesforce writes it in its URLs."""
    if text == "latest" or (_API_VERSION.fullmatch(text) and float(text) >= OLDEST_API_VERSION):
        return None
    return f'`latest` or a version such as "64.0", not before "{OLDEST_API_VERSION}.0"'


def check_file_mode(text: str) -> str | None:
    """Octal permissions with which SFR itself can still read and replace the file."""
    if _FILE_MODE.fullmatch(text) and int(text, 8) & 0o600 == 0o600:
        return None
    return 'octal permissions in quotes, such as "0640", that let the owner read and write'


def check_timezone(text: str) -> str | None:
    """`local`, `UTC`, or a name that the time zone database of this machine knows."""
    from sfr.config.time_zone import find_zone

    return _expected_by(find_zone, text)


def _expected_by(check: Callable[[str], object], text: str) -> str | None:
    try:
        check(text)
    except ValueError as error:
        return str(error)
    return None


def check_domain(text: str) -> str | None:
    """A My Domain or `emulator`."""
    from sfr.config.domain import normalize_domain

    return _expected_by(normalize_domain, text)


def check_proxy(text: str) -> str | None:
    """A proxy's URL."""
    from sfr.config.domain import check_proxy_url

    return _expected_by(check_proxy_url, text)


def check_notify_url(text: str) -> str | None:
    """A URL to be told how a run ended."""
    from sfr.config import domain

    return _expected_by(domain.check_notify_url, text)


def check_secure_url(text: str) -> str | None:
    """A URL to which credentials are sent: https, or http on loopback."""
    from sfr.config import domain

    return _expected_by(domain.check_secure_url, text)
