"""Tells others how a run ended: a ping, a webhook, a command. A new way is one new file and one line in `CHANNELS`.

Nothing here changes a run's outcome: whatever goes wrong is a warning, and everything is bounded in time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sfr.config.output_settings import Notify
from sfr.notify import command, ping, webhook
from sfr.notify.ending import Ending, HttpOptions, NotifyError
from sfr.redaction import Secret
from sfr.results import RunStats
from sfr.threads import start_thread

log = logging.getLogger(__name__)

#: How long a URL may take in all: connecting, sending, answering, a name server that is silent.
URL_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0
#: What a command needs to be ended when its time is up.
MARGIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell: what is done at the start (None: nothing) and at the end, with the setting's value.

    Both raise `NotifyError`, whose text names no secret, or any error of their own, of which only the kind is told.
    """

    ended: Callable[[Secret | tuple[str, ...], Ending, HttpOptions], None]
    started: Callable[[Secret | tuple[str, ...], HttpOptions], None] | None = None
    timeout_s: float = URL_TIMEOUT_S


CHANNELS: dict[str, Channel] = {
    "ping": Channel(ping.ended, ping.started),
    "webhook": Channel(webhook.ended),
    "command": Channel(command.ended, timeout_s=COMMAND_TIMEOUT_S),
}


class Notifier:
    """Tells every configured channel that the run has started and how it ended. Never raises, never waits for long."""

    def __init__(self, settings: Notify, *, proxy: Secret | str | None = None, ca_bundle: str | None = None) -> None:
        """`proxy` and `ca_bundle`: those of `salesforce`, which is as far from this machine as they are."""
        self._settings = settings
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._starting: dict[str, threading.Thread] = {}

    @property
    def is_configured(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._configured())

    def started(self) -> None:
        """Tell that the run has started; does not wait for it. Starts threads, so workers have to be there already."""
        for name, target, channel in self._configured():
            if channel.started is not None:
                thread = _in_background(name, partial(channel.started, target, self._way(channel)))
                if thread is not None:
                    self._starting[name] = thread

    def ended(self, run: RunStats, summary_text: str, json_path: str | None) -> None:
        """Tell how the run ended, all channels at once; waits for them, at most as long as the slowest may take.

        run and summary_text: secrets masked. json_path: of the JSON summary, None if there is none.
        """
        ending = Ending(run, summary_text, json_path)
        telling = []
        for name, target, channel in self._configured():
            if (starting := self._starting.get(name)) is not None:
                starting.join(channel.timeout_s)  # the start has to be told before the end
            thread = _in_background(name, partial(channel.ended, target, ending, self._way(channel)))
            if thread is not None:
                telling.append((name, channel, thread))
        for name, channel, thread in telling:
            thread.join(channel.timeout_s + MARGIN_S)
            if thread.is_alive():
                log.warning("notify.%s took longer than %g s; not waiting for it.", name, channel.timeout_s)

    def _way(self, channel: Channel) -> HttpOptions:
        return HttpOptions(channel.timeout_s, self._proxy, self._ca_bundle)

    def _configured(self) -> list[tuple[str, Secret | tuple[str, ...], Channel]]:
        values = ((name, getattr(self._settings, name), channel) for name, channel in CHANNELS.items())
        return [(name, value, channel) for name, value, channel in values if value]


def _in_background(name: str, tell: Callable[[], None]) -> threading.Thread | None:
    """A daemon thread: only from outside can a silent name server be given up. None: the system grants no thread."""

    def safely() -> None:
        try:
            tell()
        except NotifyError as error:
            log.warning("notify.%s failed: %s.", name, error)
        except Exception as error:  # noqa: BLE001 - the text of a foreign error may hold the URL, which is a secret
            log.warning("notify.%s failed: %s.", name, type(error).__name__)

    thread = threading.Thread(target=safely, name=f"notify-{name}", daemon=True)
    try:
        start_thread(thread)
    except OSError as error:
        log.warning("notify.%s failed: no thread can be started (%s).", name, error.strerror)
        return None
    return thread
