"""Delivers to a bucket of Amazon S3, or of a store that speaks its protocol."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field, model_validator

from sfr.destinations.base import Destination, Kind, Surroundings
from sfr.destinations.object_store import ObjectStoreDestination, missing_extra
from sfr.errors import DeliveryError
from sfr.options.section import Section
from sfr.options.types import RemotePrefix, SecretText, SecureUrl, Text, sentence
from sfr.wording import quoted

if TYPE_CHECKING:
    from obstore.store import S3Store


class S3Settings(Section):
    """`s3`: a bucket. Without keys and profile the usual chain applies: environment, container, instance role."""

    bucket: Text = Field(description="Bucket.")
    prefix: RemotePrefix = Field(default="", description="Start of the objects' names; may hold dates.")
    region: Text | None = Field(
        default=None, description="Region; null = of the environment or profile, else us-east-1."
    )
    endpoint: SecureUrl | None = Field(
        default=None, description="URL of another store than Amazon's; `http://` only for loopback hosts."
    )
    access_key_id: SecretText | None = Field(default=None, description="Access key; null = the usual chain.")
    secret_access_key: SecretText | None = Field(default=None, description="Its secret.")
    session_token: SecretText | None = Field(default=None, description="Session token of temporary keys.")
    profile: Text | None = Field(default=None, description="Profile of `~/.aws/config`; needs the package boto3.")

    @model_validator(mode="after")
    def _check(self) -> S3Settings:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise sentence("`access_key_id` and `secret_access_key` go together; give both or neither")
        if self.session_token is not None and self.access_key_id is None:
            raise sentence("`session_token` goes with `access_key_id` and `secret_access_key`")
        if self.profile is not None and self.access_key_id is not None:
            raise sentence("`profile` and `access_key_id` exclude each other; give one of them")
        if self.profile is not None and _is_boto3_missing():
            raise sentence("`profile` needs the package boto3: pip install boto3")
        return self


def _is_boto3_missing() -> bool:
    from importlib.util import find_spec

    return find_spec("boto3") is None


def _make(settings: S3Settings, surroundings: Surroundings) -> Destination:
    place = f"s3://{quote(settings.bucket)}"
    return ObjectStoreDestination(partial(_store, settings), place, settings.prefix, settings.endpoint, surroundings)


def _store(settings: S3Settings, client: dict[str, Any], retries: dict[str, Any]) -> S3Store:
    from obstore.store import S3Store

    config: dict[str, Any] = {}
    if settings.region is not None:
        config["region"] = settings.region
    if settings.endpoint is not None:
        config["endpoint"] = settings.endpoint
    if settings.access_key_id is not None and settings.secret_access_key is not None:
        config["access_key_id"] = settings.access_key_id.reveal()
        config["secret_access_key"] = settings.secret_access_key.reveal()
        if settings.session_token is not None:
            config["session_token"] = settings.session_token.reveal()
    if settings.profile is not None:
        config["credential_provider"] = _of_profile(settings.profile)
    return S3Store(settings.bucket, client_options=client, retry_config=retries, **config)  # type: ignore[arg-type]


def _of_profile(profile: str) -> Any:
    import boto3
    from botocore.exceptions import BotoCoreError
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        return Boto3CredentialProvider(boto3.Session(profile_name=profile))
    except (BotoCoreError, ValueError) as error:
        raise DeliveryError(f"The profile {quoted(profile)} cannot be used: {error}.", is_unreachable=True) from None


KIND = Kind(S3Settings, _make, lambda: missing_extra("s3"))
