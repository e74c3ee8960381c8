"""Validates the query string of a classic export, and finds the codec of the encoding that it requests.

Sources of the parameters' names and values: salesforce-facts.md §1.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from sfr.wording import did_you_mean, listed, quoted

DEFAULT_PARAMS = "?export=1&enc=UTF-8&xf=csv&isdtp=p1"
CSV_FORMS = ("csv", "localecsv")
#: Parameters that do not affect which rows are exported.
_HARMLESS = frozenset({"export", "enc", "xf", "isdtp", "excel", "details"})
_SPREADSHEET_FORMS = ("xls", "xlsx")
#: Parameters that may occur only once.
_SINGLE = ("export", "enc", "xf")
_SAFE = "%/?:@!$&'()*+,;=-._~[]|"
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ASCII = bytes(range(128))
#: Python codecs that decode ASCII unchanged but are not document encodings.
_NOT_DOCUMENTS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "charmap")


@dataclass(frozen=True, slots=True)
class ExportParams:
    """Validated parameters: `query` with its `?`, ready for a URL, and the codec of `enc`."""

    query: str
    encoding: str = "utf-8"


@lru_cache(maxsize=16)  # most lists contain one or two distinct texts
def parse_export_params(text: str) -> ExportParams:
    """Validate `optional_export_params` with dates filled in; empty means the default. A missing `?` is added.

    Characters outside ASCII are percent-encoded as UTF-8. Raises ValueError with a message that says what is expected.
    """
    given = text.strip()
    query = (given or DEFAULT_PARAMS).lstrip("?&")
    if given and "://" not in query:
        from sfr.salesforce.pasted_params import reject_pasted  # most rows have the default

        reject_pasted(query)
    if re.search(r"[\x00-\x20\x7f]", query):
        raise ValueError("has a space or control character; expected a query string (write a space as %20)")
    if "#" in query:
        raise ValueError("has a `#`, which ends a query string; write it as %23")
    if _BROKEN_PERCENT.search(query):
        raise ValueError("has a `%` that is not followed by two hexadecimal digits; write a percent sign as %25")
    pairs = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    for name in _SINGLE:
        if names.count(name) > 1:
            raise ValueError(f"sets `{name}` twice; expected it once")
    values = dict(pairs)
    if "export" not in values:
        raise ValueError(_describe_missing_export(query, names))
    _check_form(values.get("xf", ""))
    return ExportParams(f"?{quote(query, safe=_SAFE)}", find_codec(values.get("enc", "UTF-8")))


def row_params(query: str) -> list[str]:
    """Names of the parameters that select rows, which only the classic export supports."""
    names = [name for name, _ in parse_qsl(query.lstrip("?"), keep_blank_values=True)]
    return sorted(set(names) - _HARMLESS)


def find_codec(enc: str) -> str:
    """The Python codec for an `enc` value; raises ValueError if a CSV in it cannot be checked byte by byte."""
    try:
        codec = codecs.lookup(enc)
        is_text = codec._is_text_encoding
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise ValueError(f"requests the unknown encoding enc={quoted(enc)}; expected one such as UTF-8 or ISO-8859-1")
    if codec.name.replace("-", "_") in _NOT_DOCUMENTS or not _keeps_ascii(codec.name):
        raise ValueError(
            f"requests enc={quoted(enc)}, in which an ASCII byte may be part of another character, so the end of an "
            "export cannot be detected; expected one such as UTF-8, ISO-8859-1 or Shift_JIS"
        )
    return codec.name


def _keeps_ascii(codec_name: str) -> bool:
    """Whether every ASCII byte decodes to its own character."""
    try:
        return all(bytes([byte]).decode(codec_name) == chr(byte) for byte in _ASCII)
    except UnicodeError:
        return False


def _check_form(form: str) -> None:
    if form in _SPREADSHEET_FORMS:
        raise ValueError(
            f"requests xf={form}, but SFR can verify completeness for CSV only; expected xf=csv or xf=localecsv"
        )
    if form and form not in CSV_FORMS:
        near = did_you_mean(form, CSV_FORMS) or f"; expected one of {listed(CSV_FORMS)}"
        raise ValueError(f"has the unknown value xf={quoted(form)}{near}")


def _describe_missing_export(query: str, names: list[str]) -> str:
    if "://" in query:
        return f"is a URL; expected only its query string, such as {DEFAULT_PARAMS}"
    near = next((name for name in names if name.casefold() == "export"), None)
    hint = f" (found {quoted(near)}: names are case-sensitive)" if near else ""
    return f"does not request an export: `export=1` is missing{hint}; the default is {DEFAULT_PARAMS}"
