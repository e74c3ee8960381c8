"""Delivers to a bucket of Google Cloud Storage."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field

from sfr.destinations.base import Destination, Kind, Surroundings
from sfr.destinations.object_store import ObjectStoreDestination, missing_extra
from sfr.errors import DeliveryError
from sfr.options.section import Section
from sfr.options.types import RemotePrefix, SecretFile, SecureUrl, Text

if TYPE_CHECKING:
    from obstore.store import GCSStore

#: For servers on loopback: neither a log-in nor a signature.
_NO_LOG_IN = json.dumps({"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""})
#: A service account's file has about 2,400 bytes.
MAX_ACCOUNT_BYTES = 64 * 1024


class GcsSettings(Section):
    """`gcs`: a bucket. Without a file the usual chain applies: environment, machine's service account."""

    bucket: Text = Field(description="Bucket.")
    prefix: RemotePrefix = Field(default="", description="Start of the objects' names; may hold dates.")
    service_account_file: SecretFile | None = Field(
        default=None, description="JSON key file of a service account; null = the usual chain."
    )
    endpoint: SecureUrl | None = Field(
        default=None,
        description="URL of another server than Google's; `http://` only for loopback hosts, which get no credentials "
        "without a file.",
    )


def _make(settings: GcsSettings, surroundings: Surroundings) -> Destination:
    place = f"gs://{quote(settings.bucket)}"
    return ObjectStoreDestination(partial(_store, settings), place, settings.prefix, settings.endpoint, surroundings)


def _store(settings: GcsSettings, client: dict[str, Any], retries: dict[str, Any]) -> GCSStore:
    from obstore.store import GCSStore

    config: dict[str, Any] = {}
    if settings.endpoint is not None:
        config["base_url"] = settings.endpoint
    if settings.service_account_file is not None:
        config["service_account_key"] = _account(settings.service_account_file)
    elif settings.endpoint is not None and settings.endpoint.startswith("http://"):
        config["service_account_key"] = _NO_LOG_IN
    return GCSStore(settings.bucket, client_options=client, retry_config=retries, **config)  # type: ignore[arg-type]


def _account(path: str) -> str:
    from sfr.storage.user_files import read_trusted

    try:
        return read_trusted(path, MAX_ACCOUNT_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DeliveryError(f"The file {path} cannot be read: {reason}.", is_unreachable=True) from None


KIND = Kind(GcsSettings, _make, lambda: missing_extra("gcs"))
