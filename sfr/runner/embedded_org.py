"""Starts an embedded org for a run with `salesforce.domain: emulator`."""

from __future__ import annotations

import dataclasses
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
            auth = dataclasses.replace(auth, private_key_file=org.private_key_file)
        salesforce = dataclasses.replace(config.salesforce, domain=org.url, auth=auth)
        yield dataclasses.replace(config, salesforce=salesforce)
