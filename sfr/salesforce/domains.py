"""`salesforce.domain`: checks it, and maps a host of Lightning or Setup pages to the org's own. Connects to nothing."""

from __future__ import annotations

from sfr.options.urls import HOST, is_loopback, split_url
from sfr.salesforce.hosts import LOG_IN_HOSTS
from sfr.salesforce.org_hosts import own_host
from sfr.wording import quoted

#: `salesforce.domain` of the demo: the run starts the embedded org and uses it.
EMULATOR = "emulator"

_MY_DOMAIN = ".my.salesforce.com"
_EXAMPLE = "`https://acme.my.salesforce.com`"


def _suggest_domain(text: str) -> str:
    host = text.split("//")[-1].split("/")[0].lower()
    if "." in host and HOST.fullmatch(host):
        return f" (did you mean `https://{own_host(host) or host}`?)"
    if HOST.fullmatch(host):
        return f" (did you mean `https://{host}{_MY_DOMAIN}`?)"
    return ""


def normalize_domain(text: str) -> tuple[str, str | None]:
    """`salesforce.domain` as requests need it (scheme, host, port if any; no slash at the end), and a warning or None.

    A host of Lightning or Setup pages is mapped to the org's own: it would respond to exports with endless
    redirects (salesforce-facts.md §1). Raises ValueError with a message that says what is expected.
    """
    text = text.strip()
    if text == EMULATOR:
        return text, None
    expected = f"the org's My Domain, such as {_EXAMPLE}, or `{EMULATOR}`"
    parts = split_url(text, expected + _suggest_domain(text), ("https", "http"))
    host = parts.hostname or ""
    netloc = parts.netloc.lower()
    if "@" in netloc:
        raise ValueError(f"{expected}, without user name and password")
    own = own_host(host)
    mapped = netloc if own is None else netloc.replace(host, own)
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"{expected}, without a path (did you mean `{parts.scheme}://{mapped}`?)")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"`https://` (`http://` only for loopback hosts) (did you mean `https://{mapped}`?)")
    if own is not None:
        pages = "Setup" if "setup" in host else "Lightning"
        url = f"https://{mapped}"
        return url, f"{quoted(text)} is the host of {pages} pages; `{url}` is used instead: write that"
    warning = None
    if host in LOG_IN_HOSTS:
        warning = f"{quoted(text)} is the log-in host of all orgs; use the org's own domain, such as {_EXAMPLE}"
    return f"{parts.scheme}://{netloc}", warning
