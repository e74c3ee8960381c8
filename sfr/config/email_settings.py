"""The options of `notify.email`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from sfr.options.section import Section
from sfr.options.types import Host, SecretText, Text, sentence
from sfr.options.urls import HOST, is_loopback

Security = Literal["starttls", "tls", "none"]
DEFAULT_PORTS = {"starttls": 587, "tls": 465, "none": 25}

#: `name@host`, or `Name <name@host>`; neither quoting nor other scripts in the address itself.
ADDRESS = re.compile(
    r"""(?:"?(?P<name>[^<>,;:"@\\]*?)"?\s*<(?P<named>[^<>]+)>|(?P<bare>[^<>]+))""",
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def split_address(text: str) -> tuple[str, str]:
    """Display name (may be empty) and address. Raises ValueError that says what is expected."""
    found = ADDRESS.fullmatch(text.strip())
    address = (found["named"] or found["bare"]) if found else ""
    local_part, _, host = address.rpartition("@")
    if found is None or not _LOCAL_PART.fullmatch(local_part) or not HOST.fullmatch(host.lower()):
        raise ValueError("an e-mail address such as `reports@acme.example` or `SFR <reports@acme.example>`")
    return (found["name"] or "").strip(), address


def _check_address(text: str) -> str:
    split_address(text)
    return text


def _check_any(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        raise sentence("is empty; expected at least one address")
    return addresses


Address = Annotated[Text, AfterValidator(_check_address)]
_Pattern = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]


class Email(Section):
    """`notify.email`: one message at the end of a run."""

    host: Host = Field(description="Mail server.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; null = 587, with `tls` 465, with `none` 25."
    )
    security: Security = Field(
        default="starttls",
        description="`starttls` and `tls` verify the server's certificate; `none` only for loopback hosts.",
    )
    username: Text | None = Field(default=None, description="User to log in as; null = no log-in.")
    password: SecretText | None = Field(default=None, description="The user's password.")
    sender: Address = Field(alias="from", description="Sender: an address, or `Name <address>`.")
    to: Annotated[tuple[Address, ...], AfterValidator(_check_any)] = Field(description="Recipients.")
    when: Literal["always", "failure", "change"] = Field(
        default="always",
        description="`failure`: only if a report failed or the exit code is not 0; `change`: only if a report was "
        "saved or failed.",
    )
    attach: tuple[_Pattern, ...] = Field(
        default=(),
        description="Shell patterns of file names, such as `Pipeline*.xlsx`: saved and unchanged reports to attach. "
        "A pattern that no report's file matches is named in the message.",
    )
    attach_max_bytes: int = Field(
        default=10_000_000,
        ge=0,
        le=100_000_000,
        description="Bytes of files (before encoding) attached at most; those that do not fit are named in the "
        "message.",
    )

    @model_validator(mode="after")
    def _check(self) -> Email:
        if self.security == "none" and not is_loopback(self.host):
            raise sentence(
                "`security: none` is only for loopback hosts: the message, and a password, would cross the network "
                "unencrypted; use `starttls` or `tls`"
            )
        if (self.username is None) != (self.password is None):
            raise sentence("`username` and `password` go together; give both or neither")
        return self

    @property
    def used_port(self) -> int:
        """`port`, or the default of `security`."""
        return self.port or DEFAULT_PORTS[self.security]
