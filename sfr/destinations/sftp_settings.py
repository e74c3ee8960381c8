"""The options of a destination `sftp`."""

from __future__ import annotations

from pydantic import Field, model_validator

from sfr.options.section import Section
from sfr.options.types import Host, ReadableFile, RemotePrefix, SecretFile, SecretText, Text, sentence

DEFAULT_PORT = 22


class SftpSettings(Section):
    """`sftp`: a directory of an SFTP server."""

    host: Host = Field(description="Server.")
    port: int = Field(default=DEFAULT_PORT, ge=1, le=65535, description="Its port.")
    username: Text = Field(description="User to log in as.")
    password: SecretText | None = Field(default=None, description="The user's password.")
    private_key_file: SecretFile | None = Field(
        default=None, description="The user's private key (Ed25519, ECDSA, RSA)."
    )
    private_key_passphrase: SecretText | None = Field(default=None, description="Passphrase of the private key.")
    known_hosts: ReadableFile | None = Field(
        default=None, description="File with the server's host key; null = `~/.ssh/known_hosts`."
    )
    directory: RemotePrefix = Field(
        default=".", description="Directory, relative to the one after the log-in, or absolute; may hold dates."
    )
    allow_remove: bool = Field(
        default=False,
        description="For servers without `posix-rename@openssh.com`: remove the old file, then rename the new one.",
    )
    confirm_size: bool = Field(
        default=True, description="Ask for the file's size after the upload; `false` for servers that refuse that."
    )

    @model_validator(mode="after")
    def _check(self) -> SftpSettings:
        if self.password is None and self.private_key_file is None:
            raise sentence("expected `private_key_file`, `password` or both")
        if self.directory.startswith("~"):
            raise sentence("`directory` starts with `~`, which SFTP servers do not know; write it relative to the home")
        if self.private_key_passphrase is not None and self.private_key_file is None:
            raise sentence("`private_key_passphrase` goes with `private_key_file`")
        return self

    @property
    def place(self) -> str:
        """The server as URLs have it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"sftp://{host}" if self.port == DEFAULT_PORT else f"sftp://{host}:{self.port}"
