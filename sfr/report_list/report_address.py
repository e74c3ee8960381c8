"""Checks a pasted report URL for more than the id: filters, which must not get lost, and another org. Pure.

Names of parameters: salesforce-facts.md §1 and §5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from sfr.salesforce.export_params import DEFAULT_PARAMS
from sfr.salesforce.hosts import host_of, is_salesforce_host
from sfr.salesforce.org_hosts import is_same_org, org_name
from sfr.wording import listed, quoted


@dataclass(frozen=True, slots=True)
class AddressParameter:
    """A parameter of report URLs that affects the content of the report."""

    name: str
    #: Its description in messages.
    what: str
    #: Its name in a classic export, `\\1` for the number; None if exports have no equivalent.
    export_name: str | None
    #: Values that equal the default export's, lower case.
    harmless: tuple[str, ...] = ()


#: The first entry with a matching name applies.
ADDRESS_PARAMETERS: tuple[AddressParameter, ...] = (
    AddressParameter(r"(?i)pv(\d+)", "a filter's value", r"pv\1"),
    AddressParameter(r"(?i)pn(\d+)", "a filter's operator", r"pn\1"),
    AddressParameter(r"(?i)pc(\d+)", "a filter's column", r"pc\1"),
    AddressParameter(r"(?i)fv(\d+)", "a filter's value, in Lightning", r"pv\1"),
    AddressParameter(r"(?i)f[nc](\d+)", "a part of a filter, in Lightning", None),
    AddressParameter(r"(?i)colDt(_[a-z]+)?", "a part of the date filter", r"colDt\1"),
    AddressParameter(r"(?i)scope", "the report's scope", "scope"),
    AddressParameter(r"(?i)(?:dash)?(?:board)?(?:report)?filters?", "filters, in Lightning", None),
    AddressParameter(r"(?i)xf", "the export's form", "xf", ("csv",)),
    AddressParameter(r"(?i)enc", "the export's encoding", "enc", ("utf-8", "utf8")),
    AddressParameter(r"(?i)details", "whether details are shown", "details", ("yes",)),
)

#: Parameters that affect the page, not the content of the report.
_OF_THE_PAGE = (
    r"(?i)export|isdtp|queryScope|view|tab|tsid|id|rid|reportId|url|retURL|startURL|cancelURL|saveURL|lloc|clc|uid|ws|"
    r"nonce|t|edit|run|source|fId|folderId|isUserEntityOverride|nooverride|sfdc\.\w+|sfdcIFrame\w+|\d+\.source|c__\w+|"
    r"utm_\w+"
)


def check_address(text: str, domain: str) -> list[str]:
    """Warnings about a cell of `report_id` that is a URL; none for a plain id.

    domain: `salesforce.domain`, as normalized.
    Raises ValueError for parameters that affect the content of the report but would be dropped.
    """
    if "/" not in text and "?" not in text:
        return []
    pairs = _pairs(text)
    lost = [pair for pair in pairs if _is_lost(*pair)]
    if lost:
        raise ValueError(_describe_lost(lost))
    warnings = []
    known = [name for name, _ in pairs if _parameter(name) or re.fullmatch(_OF_THE_PAGE, name)]
    unknown = dict.fromkeys(name for name, _ in pairs if name not in known)
    if unknown:
        warnings.append(
            f"the address has {listed(map(_cut, unknown))} besides the id, which is not used; parameters for the "
            "export belong in optional_export_params"
        )
    return [*warnings, *_warn_of_other_org(text, domain)]


def _cut(name: str) -> str:
    return quoted(name, 40)[1:-1]


def _pairs(text: str) -> list[tuple[str, str]]:
    """All parameters of a URL, including those after `#` and those of nested URLs."""
    plain = text.replace("&amp;", "&")
    query = "&".join(re.split(r"[?#]", plain if "?" in plain else unquote(plain))[1:])
    pairs = parse_qsl(query, keep_blank_values=True)
    inner = [value for _, value in pairs if "?" in value]
    return pairs + [pair for value in inner for pair in _pairs(unquote(value))]


def _parameter(name: str) -> AddressParameter | None:
    return next((known for known in ADDRESS_PARAMETERS if re.fullmatch(known.name, name)), None)


def _is_lost(name: str, value: str) -> bool:
    known = _parameter(name)
    return known is not None and value.casefold() not in known.harmless


def _describe_lost(lost: list[tuple[str, str]]) -> str:
    described, moved = [], []
    for name, value in lost:
        known = _parameter(name)
        described.append(f"{quoted(f'{name}={value}')} ({known.what if known else ''})")
        if known and known.export_name:
            moved.append((re.sub(known.name, known.export_name, name), value))
    text = f"the address contains {', '.join(described)}, which would get lost, since only the id is used; "
    if not moved:
        return text + "save the filters in the report, and paste its address without them"
    defaults = [pair for pair in parse_qsl(DEFAULT_PARAMS[1:]) if pair[0] not in dict(moved)]
    params = "&".join(f"{name}={quote(value, safe='/')}" for name, value in [*defaults, *moved])
    text += f"expected the address without it, and optional_export_params {quoted('?' + params, 300)}"
    if len(moved) < len(lost):
        text += " (the rest has to be saved in the report)"
    if any(name.lower().startswith("fv") for name, _ in lost):
        text += " (a classic export takes `pv0` where Lightning's address has `fv0`: compare the first result)"
    return text


def _warn_of_other_org(text: str, domain: str) -> Iterator[str]:
    """A warning if the URL belongs to another org, or not to a Salesforce host."""
    host = host_of(text if "://" in text else f"https://{text.lstrip('/')}")
    if "." not in host and host != "localhost":
        return  # an id with parameters, or a path without a host
    org = host_of(domain) or domain
    same = is_same_org(host, org)
    if same is False:
        yield f"the address is on {quoted(host)}, but the report is fetched from {quoted(org)}: another org"
    elif same is None and org_name(host) is None and not is_salesforce_host(host):
        yield f"the address is on {quoted(host)}, but the report is fetched from {quoted(org)}; is it there?"
