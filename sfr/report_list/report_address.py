"""What a pasted report address says beside the report's id: filters, which must not get lost, and which org. Pure.

Names of parameters: salesforce-facts.md §1 and §5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from sfr.network.instance_host import host_of, is_salesforce_host
from sfr.network.org_hosts import is_same_org, org_name
from sfr.report_list.export_params import DEFAULT_PARAMS
from sfr.wording import listed, quoted


@dataclass(frozen=True, slots=True)
class AddressParameter:
    """A parameter of report addresses that decides what is in the report."""

    name: str
    #: What it is called in messages.
    what: str
    #: Its name in a classic export, `\\1` for the number; None where an export has nothing like it.
    export_name: str | None
    #: Values that the default export has anyway, lower case.
    harmless: tuple[str, ...] = ()


#: The first entry whose name fits counts.
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

#: Parameters that concern the page, not what is in the report.
_OF_THE_PAGE = (
    r"(?i)export|isdtp|queryScope|view|tab|tsid|id|rid|reportId|url|retURL|startURL|cancelURL|saveURL|lloc|clc|uid|ws|"
    r"nonce|t|edit|run|source|fId|folderId|isUserEntityOverride|nooverride|sfdc\.\w+|sfdcIFrame\w+|\d+\.source|c__\w+|"
    r"utm_\w+"
)


def check_address(text: str, domain: str) -> list[str]:
    """Warnings about a cell of `report_id` that is an address; none for a plain id.

    domain: `salesforce.domain`, as normalized.
    Raises ValueError for parameters that would be dropped, though they decide what is in the report.
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
            f"the address has {listed(map(_cut, unknown))} beside the id, which is not used; what an export should get "
            "belongs to optional_export_params"
        )
    return [*warnings, *_warn_of_other_org(text, domain)]


def _cut(name: str) -> str:
    return quoted(name, 40)[1:-1]


def _pairs(text: str) -> list[tuple[str, str]]:
    """All parameters of an address, those behind `#` too; an address within the address has its own."""
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
    text = f"the address carries {', '.join(described)}, which would get lost: only the id is taken from it; "
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
    """A warning if the address is that of another org, or of no host of Salesforce."""
    host = host_of(text if "://" in text else f"https://{text.lstrip('/')}")
    if "." not in host and host != "localhost":
        return  # an id with parameters, or a path without a host
    org = host_of(domain) or domain
    same = is_same_org(host, org)
    if same is False:
        yield f"the address is one of {quoted(host)}, and the report is asked for at {quoted(org)}: another org"
    elif same is None and org_name(host) is None and not is_salesforce_host(host):
        yield f"the address is one of {quoted(host)}, and the report is asked for at {quoted(org)}; is it there?"
