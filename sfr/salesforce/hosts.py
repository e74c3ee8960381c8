"""Decides which hosts a session may be sent to. Pure.

After log-in, requests go to the host named by the log-in response, provided that it is the host of `salesforce.domain`,
a Salesforce host, or (if `salesforce.domain` is on loopback) a loopback host. A log-in response can therefore never
divert a session to another server.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sfr.errors import LogInError
from sfr.options.urls import is_loopback
from sfr.wording import shortened

#: Domains served by Salesforce's own servers only: production and sandboxes, US military, the older My Domain
#: suffix, and Salesforce on Alibaba Cloud (Salesforce Help, "My Domain URL Formats"). Not `force.com`, `site.com`, …,
#: which can serve customers' code.
SALESFORCE_DOMAINS = ("salesforce.com", "salesforce.mil", "cloudforce.com", "sfcrmproducts.cn")

#: Shared log-in hosts: none of them belongs to a single org.
LOG_IN_HOSTS = ("login.salesforce.com", "test.salesforce.com", "login.salesforce.mil", "login.sfcrmproducts.cn")

DEFAULT_PORTS = {"https": 443, "http": 80}

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def origin(url: str) -> str:
    """Scheme, host and (unless it is the scheme's default) port of a URL: `https://acme.my.salesforce.com`.

    Raises ValueError for anything but a plain http or https URL, such as one that contains a user name.
    """
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    if parts.scheme not in DEFAULT_PORTS or parts.username is not None or not _HOST.fullmatch(host) or "\\" in url:
        raise ValueError("not a plain http or https URL")
    return f"{parts.scheme}://{host}" + ("" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}")


def host_of(url: str) -> str:
    """The host name of a URL, lower case, without brackets; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_salesforce_host(host: str) -> bool:
    """Whether the host name is served by Salesforce's own servers only."""
    return any(host.lower().endswith(f".{domain}") for domain in SALESFORCE_DOMAINS)


def is_salesforce_origin(url: str) -> bool:
    """Whether the URL is https on port 443 of a Salesforce host."""
    return url.startswith("https://") and is_salesforce_host(url.removeprefix("https://"))


def instance_url(named: str | None, domain: str) -> str:
    """The origin that requests go to: the one named by the log-in response, if it may receive the session.

    named: `instance_url` or `serverUrl` of the log-in response; None (a method without one) means `domain`.
    Raises LogInError for any other host.
    """
    own = origin(domain)
    if not named:
        return own
    try:
        wanted = origin(named)
    except ValueError:
        wanted = ""
    if wanted == own or is_salesforce_origin(wanted):
        return wanted
    if wanted and is_loopback(host_of(own)) and is_loopback(host_of(wanted)):
        return wanted
    where = f"'{shortened(wanted)}'" if wanted else "something that is not a URL"
    raise LogInError(
        f"The log-in response names {where} as the instance URL, which is neither `salesforce.domain` nor a "
        "Salesforce host, so the session was not sent there. Check that `salesforce.domain` is the org's My Domain "
        "(https://….my.salesforce.com), and which server responds under that name."
    )


def without_api_suffix(server_url: str) -> str:
    """`serverUrl` of a SOAP log-in without the `-api` suffix of instance hosts (`na12-api.salesforce.com`)."""
    return re.sub(r"^(https://[^/.:]+)-api(\.[^/]*)", r"\1\2", server_url)
