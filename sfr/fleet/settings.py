"""The options of a fleet's file: its orgs, and how they are run."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from sfr.config.json_schema import configuration_schema
from sfr.config.output_settings import Notify
from sfr.fleet.names import check_name
from sfr.options.section import Section
from sfr.options.types import LocalPath, ReadableFile, SecretFile, Text, WrittenText, sentence
from sfr.options.urls import is_loopback

EngineName = Literal["local", "dask", "index"]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check_variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("the name of an environment variable, such as `SLURM_ARRAY_TASK_ID`")
    return name


class OrgEntry(Section):
    """One of `orgs`: an org by name, or all configurations that match a pattern."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["glob"]}, {"required": ["name", "config"]}]})

    name: Annotated[WrittenText, AfterValidator(check_name)] | None = Field(
        default=None, description="Name of the org, for the summary and file names."
    )
    config: LocalPath | None = Field(default=None, description="The org's configuration.")
    env_file: LocalPath | None = Field(
        default=None, description="The org's `--env-file`; null = as for a run without that option."
    )
    glob: LocalPath | None = Field(
        default=None,
        description="Shell pattern of configurations, such as `conf/orgs/*.yaml`; each file is an org named like the "
        "file, without ending.",
    )

    @model_validator(mode="after")
    def _check_form(self) -> OrgEntry:
        if self.glob is not None:
            if self.name is not None or self.config is not None:
                raise sentence("expected `glob`, or `name` and `config`; found both")
        elif self.name is None or self.config is None:
            missing = "config" if self.name is not None else "name"
            raise sentence(f"`{missing}` is missing; expected `name` and `config`, or `glob`")
        return self


class Dask(Section):
    """`dask`: where the scheduler is, and the certificates for it."""

    scheduler: Text | None = Field(
        default=None, description="Address of the scheduler: `tls://host:8786`, or `tcp://` on a loopback host."
    )
    ca_file: ReadableFile | None = Field(default=None, description="Certificate authority of the cluster (PEM).")
    cert_file: ReadableFile | None = Field(default=None, description="This client's certificate (PEM).")
    key_file: SecretFile | None = Field(default=None, description="This client's private key (PEM).")

    @model_validator(mode="after")
    def _check_address(self) -> Dask:
        if self.scheduler is None:
            return self
        try:
            parts = urlsplit(self.scheduler)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            raise sentence("`scheduler`: expected an address such as `tls://host:8786`") from None
        if parts.scheme not in ("tls", "tcp") or not host:
            raise sentence("`scheduler`: expected an address such as `tls://host:8786`")
        if parts.scheme == "tcp" and not is_loopback(host):
            raise sentence("`scheduler`: expected `tls://` (`tcp://` for loopback hosts only)")
        if parts.scheme == "tls" and None in (self.ca_file, self.cert_file, self.key_file):
            raise sentence("`tls://` needs `ca_file`, `cert_file` and `key_file`")
        return self


class Index(Section):
    """`index`: how a process is assigned its org."""

    variable: Annotated[Text, AfterValidator(_check_variable)] = Field(
        default="JOB_COMPLETION_INDEX",
        description="Environment variable with the number of the org that this process runs, from 0 in list order; "
        "`SLURM_ARRAY_TASK_ID` in a Slurm array.",
    )


class FleetSettings(Section):
    """The validated file of a fleet."""

    orgs: Annotated[tuple[OrgEntry, ...], Field(min_length=1)] = Field(
        description="The orgs: by name, or by a pattern of configurations; any number of both."
    )
    engine: EngineName = Field(
        default="local",
        description="`local`: processes of this machine; `index`: this process runs one org, by its number; `dask`: "
        "workers of a Dask cluster.",
    )
    at_once: int = Field(
        default=4,
        ge=1,
        le=1000,
        description="Number of orgs that run at the same time; with `dask` one per worker thread instead.",
    )
    attempts: int = Field(
        default=2,
        ge=1,
        le=10,
        description="Maximum attempts for an org that ended with 5 or whose process was lost; `index` makes one.",
    )
    output: LocalPath = Field(
        default="output/fleet", description="Directory of the fleet's summaries, and of the record of each org."
    )
    notify: Notify = Field(default_factory=Notify, description="Notifications about the fleet.")
    dask: Dask = Field(default_factory=Dask, description="The Dask cluster.")
    index: Index = Field(default_factory=Index, description="One org per process.")


def fleet_schema() -> dict[str, Any]:
    """The JSON Schema of a fleet's file."""
    return configuration_schema(FleetSettings, "A fleet of SFR: see docs/fleet.md.")
