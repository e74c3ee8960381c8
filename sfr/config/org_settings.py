"""The options of `salesforce` and `reports`: which org, how to get in, what to fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sfr.config.checks import check_api_version, check_domain, check_proxy
from sfr.config.fields import option
from sfr.redaction import Secret

#: `salesforce.domain` of the demo: the run starts the embedded org and uses it.
EMULATOR = "emulator"

ROUTES = ("auto", "classic", "analytics")


@dataclass(frozen=True, slots=True)
class Salesforce:
    """`salesforce`: which org, and how to get in."""

    domain: str = option(
        "The org's My Domain, `https://acme.my.salesforce.com`; `http://` only for loopback hosts; "
        "`emulator` starts the embedded org.",
        check=check_domain,
    )
    #: An instance of the settings of the one configured method: `sfr.salesforce.auth.METHODS[auth_method].settings`.
    auth: Any = option("How to log in: exactly one of the methods below.", registry="sfr.salesforce.auth:METHODS")
    api_version: str = option(
        'API version, such as "64.0"; `latest` asks the org, and takes 64.0 if that fails.',
        default="latest",
        check=check_api_version,
    )
    route: str = option(
        "How reports are fetched: `classic` exports as the browser does, `analytics` asks the Reports API, "
        "`auto` exports and falls back to the API.",
        default="auto",
        choices=ROUTES,
    )
    ca_bundle: str | None = option(
        "PEM file of the certificate authorities to trust, or `system` for the operating system's; "
        "null = the ones that come with requests.",
        default=None,
        words=("system",),
        is_path=True,
    )
    proxy: Secret | Literal["env"] | None = option(
        "URL of an HTTP proxy, or `env` for HTTPS_PROXY and NO_PROXY; null = no proxy, whatever the environment says.",
        default=None,
        check=check_proxy,
    )
    #: Key under `auth`. No option: derived.
    auth_method: str = ""

    @property
    def is_emulator(self) -> bool:
        """Whether the run starts the embedded org."""
        return self.domain == EMULATOR


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One of `reports.items`: the report list's column names as keys, cells as text."""

    cells: Mapping[str, str]
    #: Where it stands, for messages: `conf/prod.yaml:12: reports.items[0]`.
    place: str = ""


@dataclass(frozen=True, slots=True)
class Reports:
    """`reports`: what to fetch."""

    list: str | None = option(
        "The report list, a CSV file; null = only `items`.", default="input/reports.csv", is_path=True
    )
    items: tuple[ReportItem, ...] = option(
        "Reports written here: mappings with the report list's column names as keys; added to the list.", default=()
    )
