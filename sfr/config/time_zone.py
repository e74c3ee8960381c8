"""The time zone of a run's dates: `local`, `UTC` or an IANA name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from sfr.wording import did_you_mean, quoted

_INSTALL = "install the system's package `tzdata`, or run `pip install tzdata`"
#: Names that some systems keep in a package of their own.
_OLD_NAMES = ("US/", "Canada/", "Brazil/", "Mexico/", "Chile/")
#: Where the C library (glibc, musl) looks for the zones that `TZ` names, unless TZDIR says otherwise.
_C_LIBRARY_DIRECTORIES = ("/usr/share/zoneinfo", "/share/zoneinfo", "/etc/zoneinfo")
#: A zone that is described instead of named: `CET-1CEST,M3.5.0,M10.5.0/3`, `<+03>-3` (POSIX, "Environment Variables").
_DESCRIBED = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?[0-9]{1,3}(?::[0-9]{2}){0,2}(?:[A-Za-z<].*)?")
_LOCAL_TIME = "/etc/localtime"


def find_zone(name: str) -> tzinfo | None:
    """The zone of a name; None for `local`, which `datetime.astimezone` takes as this machine's.

    Raises ValueError, whose text says what is expected, for a name that this machine does not know.
    """
    if name == "local":
        return None
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(_expected(name)) from error


def _expected(name: str) -> str:
    """What is expected in the place of a name that is not found: another name, or a database to find it in."""
    from zoneinfo import available_timezones

    known = available_timezones()
    if not known:
        where = ", and PYTHONTZPATH names where to look for one" if os.environ.get("PYTHONTZPATH") is not None else ""
        return f"`local` or `UTC`: this machine has no time zone database{where}; {_INSTALL}"
    near = did_you_mean(name, {"local", "UTC", *known}).removeprefix("; ")
    expected = "`local`, `UTC` or a name of the IANA time zone database, such as `Europe/Berlin`"
    if name.startswith(_OLD_NAMES):
        return f"{expected} (names such as `US/Pacific` need the system's package `tzdata-legacy`)"
    return f"{expected} ({near})" if near else expected


def doubt_about_local_zone(environ: Mapping[str, str]) -> str | None:
    """A warning if this machine's own zone cannot be found: the C library then takes UTC without a word.

    environ: of this process.
    """
    name = environ.get("TZ")
    if name is None:
        if os.path.islink(_LOCAL_TIME) and not os.path.exists(_LOCAL_TIME):
            return f"{_LOCAL_TIME} leads nowhere, so that local times are in UTC: {_INSTALL}, or set the machine's zone"
        return None
    zone = name.removeprefix(":")
    if zone in ("", "UTC", "UTC0", "GMT") or _DESCRIBED.fullmatch(zone):
        return None
    directories = [environ["TZDIR"]] if environ.get("TZDIR") else list(_C_LIBRARY_DIRECTORIES)
    if any(os.path.isfile(os.path.join(directory, zone)) for directory in directories):
        return None
    if not any(map(os.path.isdir, directories)):
        return f"TZ={quoted(name)}: this machine has no time zone database, so that local times are in UTC; {_INSTALL}"
    return (
        f"TZ={quoted(name)} is no time zone of this machine, so that local times, and dates in names, are in UTC; "
        "expected a name such as Europe/Berlin, or set `timezone`"
    )


def in_zone(moment: datetime, name: str) -> datetime:
    """The same moment, told by the clocks of the named zone. `moment` must have an offset."""
    return moment.astimezone(find_zone(name))
