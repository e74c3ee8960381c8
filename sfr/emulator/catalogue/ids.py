"""Salesforce record ids: both lengths, checksum letters, ids made from numbers and names; and developer names.

Independent of which records exist.
"""

from __future__ import annotations

import hashlib

_CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_INSTANCE = "5g0"
ROW_DIGITS = 9


def checksum_letters(id15: str) -> str:
    """The three characters that make a case-sensitive 15-character id safe to compare case-insensitively."""
    letters = ""
    for start in (0, 5, 10):
        group = id15[start : start + 5]
        letters += _CHECKSUM_ALPHABET[sum(1 << bit for bit, char in enumerate(group) if char.isupper())]
    return letters


def full_id(id15: str) -> str:
    """The 18-character form of a 15-character id."""
    return id15 + checksum_letters(id15)


def short_id(record_id: str) -> str | None:
    """The 15-character form of an id in either form; None when it is neither, or its checksum is wrong."""
    if len(record_id) == 15 and record_id.isalnum() and record_id.isascii():
        return record_id
    if len(record_id) == 18 and record_id.isalnum() and record_id.isascii():
        short = record_id[:15]
        return short if checksum_letters(short) == record_id[15:].upper() else None
    return None


def numbered_id(prefix: str, number: int) -> str:
    """The 18-character id of record `number` of the object with this three-character key prefix."""
    return full_id(f"{prefix}{_INSTANCE}{number:0{ROW_DIGITS}d}")


def numbered_id_frame(prefix: str) -> tuple[str, str]:
    """The text before and after the nine row digits in every `numbered_id`: digits never change the checksum."""
    sample = numbered_id(prefix, 0)
    return sample[: 15 - ROW_DIGITS], sample[15:]


def named_id(prefix: str, name: str) -> str:
    """An 18-character id that depends on the name alone, with letters of both cases."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}/{name}".encode()).digest()[:8], "big")
    tail = ""
    for _ in range(7):
        number, digit = divmod(number, 62)
        tail += _BASE62[digit]
    return full_id(f"{prefix}{_INSTANCE}00{tail}")


def developer_name(name: str) -> str:
    """The unique name that Salesforce derives from a label."""
    return "_".join("".join(char if char.isalnum() and char.isascii() else " " for char in name).split()) or "X"
