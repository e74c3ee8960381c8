"""HTTP with requests: one transport per run, shared by all threads, and every failure a ReportError.

What it does: sends one request and hands out the answer's body as it arrives, within the limits of
`sfr.network.pace`; follows redirects by hand within the same scheme, host and port; ends everything at once on `abort`.
What it does not do: no retries, no cookies of its own, no credentials (they come in with each request), no environment
(`trust_env` is off: neither .netrc nor REQUESTS_CA_BUNDLE count), no decoding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from sfr.errors import ConfigurationError, ErrorKind, ReportError
from sfr.network.answers import Answer, CompleteAnswer
from sfr.network.exchange import Exchange, LiveSockets, interruption
from sfr.network.pace import SPEED_WINDOW_S, Deadline, Limits, Pace
from sfr.network.web_pages import classify_redirect
from sfr.redaction import Secret
from sfr.version import __version__

if TYPE_CHECKING:
    import requests

_T = TypeVar("_T")

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Most that `ask` reads, decoded, unless told otherwise.
ASK_LIMIT_BYTES = 8 * 1024 * 1024

#: `proxy` value for HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment.
PROXY_OF_ENVIRONMENT = "env"


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """What a run's configuration says about connections: `fetch.*` and `salesforce.ca_bundle`, `salesforce.proxy`."""

    threads: int = 4
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 300.0
    min_bytes_per_s: float = 100.0
    #: PEM file, `system`, or None for the authorities that come with requests.
    ca_bundle: str | None = None
    #: URL, `env`, or None for no proxy.
    proxy: Secret | str | None = None
    #: The window of `min_bytes_per_s`, seconds; changed by tests only.
    speed_window_s: float = SPEED_WINDOW_S


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. Headers and body may hold credentials, so neither shows in its repr."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    #: False hands a redirect out as an answer, for its cookies; it is then never followed.
    is_followed: bool = True


def open_transport(options: TransportOptions, *, clock: Callable[[], float] = time.monotonic) -> Transport:
    """Read the certificate authorities and make a transport. Raises ConfigurationError for a bad bundle or proxy."""
    import requests

    from sfr.network.connections import WatchedAdapter
    from sfr.network.tls import make_ssl_context

    proxy = options.proxy.reveal() if isinstance(options.proxy, Secret) else options.proxy
    if proxy and proxy != PROXY_OF_ENVIRONMENT and urlsplit(proxy).scheme not in ("http", "https"):
        raise ConfigurationError("salesforce.proxy: expected an http:// or https:// URL, `env` or null.")
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    adapter = WatchedAdapter(make_ssl_context(options.ca_bundle), options.threads + 2)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return Transport(session, options, proxy, clock)


class Transport:
    """Sends requests; safe to use from several threads. Made by `open_transport`."""

    def __init__(
        self,
        session: requests.Session,
        options: TransportOptions,
        proxy: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._options = options
        self._proxy = proxy
        self._clock = clock
        self._limits = Limits(options.idle_timeout_s, options.min_bytes_per_s, options.speed_window_s)
        self._live = LiveSockets()

    @contextmanager
    def send(self, request: Request, deadline: Deadline) -> Iterator[Answer]:
        """Send a request and hand out its answer, whatever its status, for the time of the `with` block.

        A GET follows redirects within the same scheme, host and port, five at most. Raises ReportError: `network`,
        `timeout`, `interrupted`; for a redirect that is not followed what `web_pages.classify_redirect` says.
        """
        request_clock_s = self._clock()
        status = None
        for _ in range(MOST_REDIRECTS + 1):
            with self._exchange(request, deadline, request_clock_s) as answer:
                status = answer.status
                target = _target_of(answer, request)
                if target is None:
                    yield answer
                    return
            request = replace(request, url=target)
        raise ReportError(
            ErrorKind.NETWORK,
            f"Salesforce redirected more than {MOST_REDIRECTS} times: a redirect loop.",
            remedy="Check that `salesforce.domain` is the org's My Domain (https://….my.salesforce.com, not a "
            "Lightning host) and that the session belongs to it.",
            http_status=status,
            permanent=True,
        )

    def ask(self, request: Request, deadline: Deadline, *, limit_bytes: int = ASK_LIMIT_BYTES) -> CompleteAnswer:
        """Send a request and wait for the whole of a small answer, whatever its status.

        Raises ReportError like `send`, and if the body is cut or larger than `limit_bytes`.
        """
        with self.send(request, deadline) as answer:
            return answer.complete(limit_bytes)

    @property
    def is_aborted(self) -> bool:
        """Whether `abort` was called."""
        return self._live.is_aborted

    def abort(self) -> None:
        """End every exchange as `interrupted`, those in flight and those to come. Cannot be taken back."""
        self._live.abort()

    def after_abort(self) -> Transport:
        """One with the same settings and connections that this one's `abort` does not end: to tidy up at the org."""
        return Transport(self._session, self._options, self._proxy, self._clock)

    def close(self) -> None:
        """Close the connections that wait for another use; those in use are closed by whoever uses them."""
        self._session.close()

    @contextmanager
    def _exchange(self, request: Request, deadline: Deadline, request_clock_s: float) -> Iterator[Answer]:
        """One request and its answer; whatever becomes of the answer in the `with` block, its status is told."""
        exchange = Exchange(Pace(self._limits, deadline, self._clock), self._live)
        response = self._guarded(exchange, request.url, lambda: self._send(request, exchange, deadline))
        try:
            exchange.has_headers = True
            raw = response.raw
            yield Answer(
                status=response.status_code,
                headers=response.headers,
                url=request.url,
                request_clock_s=request_clock_s,
                first_byte_clock_s=exchange.pace.first_byte_clock_s or self._clock(),
                is_framed=raw.chunked or raw.length_remaining is not None,
                raw=raw,
                border=lambda read: self._guarded(exchange, request.url, read),
            )
        except ReportError as error:
            if error.http_status is None:
                error.http_status = response.status_code
            raise
        finally:
            response.close()

    def _send(self, request: Request, exchange: Exchange, deadline: Deadline) -> requests.Response:
        """Bypasses `Session.send`, which would read the body of a redirect whole, and keep cookies."""
        import requests

        from sfr.network.connections import CURRENT_EXCHANGE

        if exchange.live.is_aborted:
            raise interruption()
        left_s = deadline.remaining_s(self._clock())
        if left_s <= 0:
            raise exchange.pace.too_long()
        headers = {"User-Agent": f"sfr/{__version__}", "Accept": "*/*", "Accept-Encoding": "gzip", **request.headers}
        prepared = requests.Request(request.method, request.url, headers=headers, data=request.body).prepare()
        token = CURRENT_EXCHANGE.set(exchange)
        try:
            return self._session.get_adapter(request.url).send(
                prepared,
                stream=True,
                timeout=(min(self._options.connect_timeout_s, left_s), left_s),
                proxies=self._proxies_for(request.url),
            )
        finally:
            CURRENT_EXCHANGE.reset(token)

    def _proxies_for(self, url: str) -> dict[str, str]:
        if self._proxy == PROXY_OF_ENVIRONMENT:
            from requests.utils import get_environ_proxies

            return get_environ_proxies(url)
        return {"http": self._proxy, "https": self._proxy} if self._proxy else {}

    def _guarded(self, exchange: Exchange, url: str, act: Callable[[], _T]) -> _T:
        from sfr.network.foreign_errors import FOREIGN_ERRORS, translate

        try:
            return act()
        except FOREIGN_ERRORS as error:
            raise translate(
                error,
                exchange,
                host=urlsplit(url).netloc.rpartition("@")[2],
                connect_timeout_s=self._options.connect_timeout_s,
                proxy=self._proxy_for(url),
            ) from error

    def _proxy_for(self, url: str) -> str | None:
        from requests.utils import select_proxy

        return select_proxy(url, self._proxies_for(url)) or None


def _target_of(answer: Answer, request: Request) -> str | None:
    """Where a redirect leads that is to be followed; None for an answer that is no redirect.

    Raises ReportError for a redirect that is not followed.
    """
    location = answer.headers.get("Location")
    if answer.status not in REDIRECTS or not location or not request.is_followed:
        return None
    error = classify_redirect(location, request.url)
    if error is None and request.method != "GET":
        error = ReportError(
            ErrorKind.NETWORK, f"Salesforce answered a {request.method} request with a redirect.", permanent=True
        )
    if error:
        raise error
    return urljoin(request.url, location)
