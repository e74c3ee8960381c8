"""Delivers to a container of Azure Blob Storage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field

from sfr.destinations.base import Destination, Kind, Surroundings
from sfr.destinations.object_store import ObjectStoreDestination, missing_extra
from sfr.options.section import Section
from sfr.options.types import RemotePrefix, SecretText, SecureUrl, Text

if TYPE_CHECKING:
    from obstore.store import AzureStore


class AzureSettings(Section):
    """`azure`: a container. Without a key the usual chain applies: environment, managed identity."""

    account: Text = Field(description="Storage account.")
    container: Text = Field(description="Container.")
    prefix: RemotePrefix = Field(default="", description="Start of the objects' names; may hold dates.")
    access_key: SecretText | None = Field(default=None, description="The account's key; null = the usual chain.")
    endpoint: SecureUrl | None = Field(
        default=None,
        description="URL of another server than Azure's, with the account; `http://` only for loopback hosts.",
    )


def _make(settings: AzureSettings, surroundings: Surroundings) -> Destination:
    place = f"azure://{quote(settings.account)}/{quote(settings.container)}"
    return ObjectStoreDestination(partial(_store, settings), place, settings.prefix, settings.endpoint, surroundings)


def _store(settings: AzureSettings, client: dict[str, Any], retries: dict[str, Any]) -> AzureStore:
    from obstore.store import AzureStore

    config: dict[str, Any] = {"account_name": settings.account}
    if settings.endpoint is not None:
        config["endpoint"] = settings.endpoint
    if settings.access_key is not None:
        config["account_key"] = settings.access_key.reveal()
    return AzureStore(settings.container, client_options=client, retry_config=retries, **config)  # type: ignore[arg-type]


KIND = Kind(AzureSettings, _make, lambda: missing_extra("azure"))
