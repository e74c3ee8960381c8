"""Starts an embedded org for a run with `salesforce.domain: emulator`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.config.settings import Config


@contextmanager
def with_embedded_org(config: Config) -> Iterator[Config]:
    """The configuration to run with: as given, or pointing at an emulator that runs inside the block."""
    if not config.salesforce.is_emulator:
        yield config
        return
    from sfr.emulator import Emulator

    with Emulator() as org:
        auth = config.salesforce.auth
        if getattr(auth, "private_key_file", "") is None:
            auth = auth.model_copy(update={"private_key_file": org.private_key_file})
        salesforce = config.salesforce.model_copy(update={"domain": org.url, "auth": auth})
        yield config.model_copy(update={"salesforce": salesforce})
