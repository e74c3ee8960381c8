"""The HTTP transport of a run, on top of requests: shared by all threads, every failure a ReportError.

What it does: sends a request and returns the body as it arrives, within the limits of `sfr.salesforce.http.deadlines`;
follows redirects itself, within the same scheme, host and port only; ends every exchange on `abort`. What it does not
do: no retries, no cookie jar, no stored credentials (each request carries its own), no environment (`trust_env` is off:
.netrc and REQUESTS_CA_BUNDLE are ignored), no decoding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from sfr.errors import ConfigurationError, ErrorKind, ReportError
from sfr.redaction import Secret
from sfr.salesforce.http.deadlines import SPEED_WINDOW_S, Deadline, Limits, Pace
from sfr.salesforce.http.live_sockets import Exchange, LiveSockets, interruption
from sfr.salesforce.http.responses import FullResponse, Response
from sfr.salesforce.web_pages import classify_redirect
from sfr.version import __version__

if TYPE_CHECKING:
    import requests

_T = TypeVar("_T")

MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Default limit of `send` for the decoded body.
SMALL_RESPONSE_BYTES = 8 * 1024 * 1024

#: `proxy` value for HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment.
PROXY_OF_ENVIRONMENT = "env"


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Connection settings of the configuration: `fetch.*`, `salesforce.ca_bundle` and `salesforce.proxy`."""

    threads: int = 4
    connect_timeout_s: float = 10.0
    idle_timeout_s: float = 300.0
    min_bytes_per_s: float = 100.0
    #: PEM file, `system`, or None for the authorities shipped with requests.
    ca_bundle: str | None = None
    #: URL, `env`, or None for no proxy.
    proxy: Secret | str | None = None
    #: The window over which `min_bytes_per_s` is measured, seconds; only tests change it.
    speed_window_s: float = SPEED_WINDOW_S


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Headers and body may contain credentials, so repr shows neither."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    #: False returns a redirect as the response, for its cookies, instead of following it.
    is_followed: bool = True


def open_transport(options: TransportOptions, *, clock: Callable[[], float] = time.monotonic) -> Transport:
    """Load the certificate authorities and make a transport. Raises ConfigurationError for a bad bundle or proxy."""
    import requests

    from sfr.salesforce.http.connections import WatchedAdapter
    from sfr.salesforce.http.tls import make_ssl_context

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
    """Sends requests. Thread-safe; made by `open_transport`."""

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
    def stream(self, request: Request, deadline: Deadline) -> Iterator[Response]:
        """Send a request; the response, whatever its status, can be read within the `with` block.

        A GET follows redirects within the same scheme, host and port, five at most. Raises ReportError `network`,
        `timeout` or `interrupted`, and the error of `web_pages.classify_redirect` for a redirect that is not followed.
        Errors carry the response status, even if raised inside the block.
        """
        request_clock_s = self._clock()
        status = None
        for _ in range(MAX_REDIRECTS + 1):
            with self._exchange(request, deadline, request_clock_s) as response:
                status = response.status
                target = _target_of(response, request)
                if target is None:
                    yield response
                    return
            request = replace(request, url=target)
        raise ReportError(
            ErrorKind.NETWORK,
            f"Salesforce redirected more than {MAX_REDIRECTS} times: a redirect loop.",
            remedy="Check that `salesforce.domain` is the org's My Domain (https://….my.salesforce.com, not a "
            "Lightning host) and that the session belongs to it.",
            http_status=status,
            permanent=True,
        )

    def send(self, request: Request, deadline: Deadline, *, limit_bytes: int = SMALL_RESPONSE_BYTES) -> FullResponse:
        """Send a request and read the whole response, whatever its status; for small responses.

        Raises ReportError like `stream`, and if the body is truncated or larger than `limit_bytes`.
        """
        with self.stream(request, deadline) as response:
            return response.complete(limit_bytes)

    @property
    def is_aborted(self) -> bool:
        """Whether `abort` was called."""
        return self._live.is_aborted

    def abort(self) -> None:
        """End every exchange as `interrupted`, present and future. Irreversible."""
        self._live.abort()

    def after_abort(self) -> Transport:
        """A transport with the same settings and connections that is not aborted, for cleaning up in the org."""
        return Transport(self._session, self._options, self._proxy, self._clock)

    def close(self) -> None:
        """Close idle connections; those in use are closed by their exchange."""
        self._session.close()

    @contextmanager
    def _exchange(self, request: Request, deadline: Deadline, request_clock_s: float) -> Iterator[Response]:
        """One request and its response. A ReportError raised in the `with` block carries the response status."""
        exchange = Exchange(Pace(self._limits, deadline, self._clock), self._live)
        response = self._guarded(exchange, request.url, lambda: self._send(request, exchange, deadline))
        try:
            exchange.has_headers = True
            raw = response.raw
            yield Response(
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
        """Bypasses `Session.send`, which would read the whole body of a redirect and store cookies."""
        import requests

        from sfr.salesforce.http.connections import CURRENT_EXCHANGE

        if exchange.live.is_aborted:
            raise interruption()
        left_s = deadline.remaining_s(self._clock())
        if left_s <= 0:
            raise exchange.pace.timed_out()
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
        from sfr.salesforce.http.errors import LIBRARY_ERRORS, translate

        try:
            return act()
        except LIBRARY_ERRORS as error:
            proxy = self._proxy_for(url)
            raise translate(
                error,
                exchange,
                host=urlsplit(url).netloc.rpartition("@")[2],
                connect_timeout_s=self._options.connect_timeout_s,
                proxy=proxy,
                has_none_by_environment=self._proxy == PROXY_OF_ENVIRONMENT and proxy is None,
            ) from error

    def _proxy_for(self, url: str) -> str | None:
        from requests.utils import select_proxy

        return select_proxy(url, self._proxies_for(url)) or None


def _target_of(response: Response, request: Request) -> str | None:
    """The target of a redirect that is followed; None if the response is not a redirect.

    Raises ReportError for a redirect that is not followed.
    """
    location = response.headers.get("Location")
    if response.status not in REDIRECTS or not location or not request.is_followed:
        return None
    error = classify_redirect(location, request.url)
    if error is None and request.method != "GET":
        error = ReportError(
            ErrorKind.NETWORK, f"Salesforce responded to a {request.method} request with a redirect.", permanent=True
        )
    if error:
        raise error
    return urljoin(request.url, location)
