"""Sends notifications about a run: a ping, a webhook, a command, a mail.

A new channel is a new file and a line in `CHANNELS`. Notifications never change a run's outcome: failures are warnings,
and everything has a timeout.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sfr.config.output_settings import Notify
from sfr.notify import command, email, ping, webhook
from sfr.notify.ending import Ending, HttpOptions, NotifyError, Target
from sfr.redaction import Secret
from sfr.results import RunStats
from sfr.threads import start_thread

log = logging.getLogger(__name__)

#: Timeout of a URL in all: name resolution, connecting, sending, the response.
URL_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0
#: How long killing a command may take after its timeout.
MARGIN_S = 2.0


def _no_extra_time(_target: Target, _ending: Ending) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Channel:
    """A notification channel: its functions for the start (None: nothing) and the end of a run.

    They get the setting's value and raise `NotifyError`, without secrets; of other errors only the type is logged.
    """

    ended: Callable[[Target, Ending, HttpOptions], None]
    started: Callable[[Target, HttpOptions], None] | None = None
    timeout_s: float = URL_TIMEOUT_S
    #: What the end of this run may take beyond `timeout_s`.
    extra_time_s: Callable[[Target, Ending], float] = _no_extra_time


CHANNELS: dict[str, Channel] = {
    "ping": Channel(ping.ended, ping.started),
    "webhook": Channel(webhook.ended),
    "command": Channel(command.ended, timeout_s=COMMAND_TIMEOUT_S),
    "email": Channel(email.ended, timeout_s=email.EMAIL_TIMEOUT_S, extra_time_s=email.extra_time_s),
}


class Notifier:
    """Notifies all configured channels of the start and the end of a run. Never raises, and its waits are bounded."""

    def __init__(self, settings: Notify, *, proxy: Secret | str | None = None, ca_bundle: str | None = None) -> None:
        """`proxy` and `ca_bundle`: those of `salesforce`, which apply to notifications as well."""
        self._settings = settings
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._starting: dict[str, threading.Thread] = {}

    @property
    def is_configured(self) -> bool:
        """Whether any channel is configured."""
        return bool(self._configured())

    def started(self) -> None:
        """Notify of the start, without waiting. Starts threads, so the workers must have been started before."""
        for name, target, channel in self._configured():
            if channel.started is not None:
                thread = _in_background(name, partial(channel.started, target, self._options(channel.timeout_s)))
                if thread is not None:
                    self._starting[name] = thread

    def ended(
        self,
        run: RunStats,
        summary_text: str,
        json_path: str | None,
        config_name: str = "",
        document: bytes | None = None,
        noun: str = "report",
    ) -> None:
        """Notify all channels of the end, in parallel; waits for them, at most as long as the longest timeout.

        run and summary_text: secrets masked. json_path: of the JSON summary, None if there is none. config_name: the
        configuration file's name without suffix. document: what the webhook posts; None = the run's own.
        noun: what the run's reports are.
        """
        ending = Ending(run, summary_text, json_path, config_name, document, noun)
        sending = []
        for name, target, channel in self._configured():
            if (starting := self._starting.get(name)) is not None:
                starting.join(channel.timeout_s)  # the start must be sent before the end
            timeout_s = channel.timeout_s + channel.extra_time_s(target, ending)
            thread = _in_background(name, partial(channel.ended, target, ending, self._options(timeout_s)))
            if thread is not None:
                sending.append((name, timeout_s, thread))
        for name, timeout_s, thread in sending:
            thread.join(timeout_s + MARGIN_S)
            if thread.is_alive():
                log.warning("notify.%s took longer than %g s; not waiting for it.", name, timeout_s)

    def _options(self, timeout_s: float) -> HttpOptions:
        return HttpOptions(timeout_s, self._proxy, self._ca_bundle)

    def _configured(self) -> list[tuple[str, Target, Channel]]:
        values = ((name, getattr(self._settings, name), channel) for name, channel in CHANNELS.items())
        return [(name, value, channel) for name, value, channel in values if value]


def _in_background(name: str, send: Callable[[], None]) -> threading.Thread | None:
    """Run it in a daemon thread, since name resolution has no timeout. None: no thread could be started."""

    def safely() -> None:
        try:
            send()
        except NotifyError as error:
            log.warning("notify.%s failed: %s.", name, error)
        except Exception as error:  # noqa: BLE001 - the text of a foreign error may contain the URL, which is a secret
            log.warning("notify.%s failed: %s.", name, type(error).__name__)

    thread = threading.Thread(target=safely, name=f"notify-{name}", daemon=True)
    try:
        start_thread(thread)
    except OSError as error:
        log.warning("notify.%s failed: no thread can be started (%s).", name, error.strerror)
        return None
    return thread
