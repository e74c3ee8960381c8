"""The time zone of a run's dates: `local`, `UTC` or an IANA name."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from sfr.wording import did_you_mean


def find_zone(name: str) -> tzinfo | None:
    """The zone of a name; None for `local`, which `datetime.astimezone` takes as this machine's.

    Raises ValueError, whose text says what is expected, for a name that this machine does not know.
    """
    if name == "local":
        return None
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        near = did_you_mean(name, {"local", "UTC", *available_timezones()}).removeprefix("; ")
        raise ValueError(
            "`local`, `UTC` or a name of the IANA time zone database, such as `Europe/Berlin`"
            + (f" ({near})" if near else "")
        ) from error


def in_zone(moment: datetime, name: str) -> datetime:
    """The same moment, told by the clocks of the named zone. `moment` must have an offset."""
    return moment.astimezone(find_zone(name))
