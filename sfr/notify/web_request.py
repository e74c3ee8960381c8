"""Sends one POST to a secret URL: no redirects, a bounded response, no retries.

Uses `salesforce.proxy` and `salesforce.ca_bundle` like requests to Salesforce, and nothing from the environment unless
the configuration says so.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sfr.notify.ending import HttpOptions, NotifyError
from sfr.options.urls import is_loopback
from sfr.redaction import Secret
from sfr.salesforce.http.tls import SYSTEM_STORE
from sfr.salesforce.http.transport import PROXY_OF_ENVIRONMENT

#: How much of the response is read, so that the server can finish sending.
MAX_ANSWER_BYTES = 64 * 1024
FIRST_ERROR_STATUS = 300


def post(url: str, body: bytes, content_type: str, options: HttpOptions) -> None:
    """Send the body. Raises `NotifyError`, without the URL, unless the status is 2xx."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False  # no .netrc, and no proxy that is not configured
            session.proxies.update(_proxies(options.proxy, url))
            session.verify = _authorities(options.ca_bundle)
            answer = session.post(
                url,
                data=body,
                headers={"Content-Type": content_type, "User-Agent": "sfr"},
                timeout=options.timeout_s,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                answer.raw.read(MAX_ANSWER_BYTES)
                status = answer.status_code
    except requests.Timeout:
        raise NotifyError(f"no response within {options.timeout_s:g} s") from None
    except (requests.RequestException, OSError, ValueError) as error:
        raise NotifyError(f"the URL cannot be reached ({type(error).__name__})") from None
    if status >= FIRST_ERROR_STATUS:
        raise NotifyError(f"the server responded with status {status}")


def _proxies(proxy: Secret | str | None, url: str) -> dict[str, str]:
    """The proxy by scheme; none for loopback addresses."""
    if proxy == PROXY_OF_ENVIRONMENT:
        from requests.utils import get_environ_proxies

        return dict(get_environ_proxies(url))
    address = proxy.reveal() if isinstance(proxy, Secret) else proxy
    return {"http": address, "https": address} if address and not is_loopback(urlsplit(url).hostname or "") else {}


def _authorities(ca_bundle: str | None) -> str | bool:
    """The value for `verify` of requests."""
    import ssl

    if ca_bundle != SYSTEM_STORE:
        return ca_bundle or True
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
