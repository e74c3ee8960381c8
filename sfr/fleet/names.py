"""Names of orgs: each is a file name below the fleet's output directory."""

from __future__ import annotations

from sfr.odd_characters import describe_character, odd_character

MAX_BYTES = 200


def check_name(name: str) -> str:
    """Return the name; raises ValueError that says what is expected."""
    odd = odd_character(name)
    if odd is not None:
        raise ValueError(f"a name without invisible characters ({describe_character(odd)})")
    if "/" in name or "\\" in name:
        raise ValueError("a name without slashes: it becomes a file name")
    if name.startswith(".") or name != name.strip():
        raise ValueError("a name that starts with neither a dot nor a blank, and ends without blank")
    if len(name.encode("utf-8", "surrogateescape")) > MAX_BYTES:
        raise ValueError(f"a name of at most {MAX_BYTES} bytes")
    return name
