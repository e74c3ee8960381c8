"""Checks destinations before anything is delivered, for `--check` and `doctor`. Every wait is bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sfr.errors import DeliveryError
from sfr.report_list.delivery_targets import make_destinations
from sfr.threads import start_thread

if TYPE_CHECKING:
    from sfr.config.settings import Config
    from sfr.destinations import Destination

#: How much longer than connecting a check may take: it also sends a small request.
_MARGIN_S = 20.0


def connect_to_all(config: Config) -> Iterator[tuple[str, DeliveryError | None]]:
    """Connect and authenticate to each destination, write nothing; its name, and what is wrong."""
    yield from _try_all(config, lambda destination: destination.check())


def probe_all(config: Config) -> Iterator[tuple[str, DeliveryError | None]]:
    """Write something small to each destination and remove it again; its name, and what is wrong."""
    yield from _try_all(config, lambda destination: destination.probe())


def _try_all(config: Config, action: Callable[[Destination], None]) -> Iterator[tuple[str, DeliveryError | None]]:
    limit_s = config.deliveries.connect_timeout_s + _MARGIN_S
    for name, destination in make_destinations(config).items():
        yield name, _outcome(action, destination, limit_s)


def _outcome(action: Callable[[Destination], None], destination: Destination, limit_s: float) -> DeliveryError | None:
    """Run the action in a thread of its own, since system calls on a dead file server have no timeout."""
    outcome: list[DeliveryError | None] = []

    def run() -> None:
        try:
            action(destination)
        except DeliveryError as error:
            outcome.append(error)
        except Exception as bug:  # noqa: BLE001 - of a foreign library, whose text may hold a secret
            outcome.append(DeliveryError(f"The check ended unexpectedly ({type(bug).__name__})."))
        else:
            outcome.append(None)

    thread = threading.Thread(target=run, name="destination-check", daemon=True)
    try:
        start_thread(thread)
    except OSError as error:
        return DeliveryError(f"The operating system refused to start a thread ({error.strerror}).")
    thread.join(limit_s)
    return outcome[0] if outcome else DeliveryError(f"No answer within {limit_s:g} s.", is_unreachable=True)
