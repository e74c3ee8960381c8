"""One POST to a URL that is a secret: no redirect, a bounded answer, no retry.

It goes the way that requests to Salesforce go: by `salesforce.proxy`, trusting `salesforce.ca_bundle`, and by nothing
that only the environment knows.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sfr.notify.ending import NotifyError, WayOut
from sfr.options.urls import is_loopback
from sfr.redaction import Secret
from sfr.salesforce.http.tls import SYSTEM_STORE
from sfr.salesforce.http.transport import PROXY_OF_ENVIRONMENT

#: Of the answer, so much is read, so that the other side can finish.
LONGEST_ANSWER_BYTES = 64 * 1024
FIRST_ERROR_STATUS = 300


def post(url: str, body: bytes, content_type: str, way: WayOut) -> None:
    """Send the body. Raises `NotifyError`, without the URL, if it was not taken with a 2xx."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False  # no .netrc, and no proxy that the configuration does not know
            session.proxies.update(_proxies(way.proxy, url))
            session.verify = _authorities(way.ca_bundle)
            answer = session.post(
                url,
                data=body,
                headers={"Content-Type": content_type, "User-Agent": "sfr"},
                timeout=way.timeout_s,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                answer.raw.read(LONGEST_ANSWER_BYTES)
                status = answer.status_code
    except requests.Timeout:
        raise NotifyError(f"no answer within {way.timeout_s:g} s") from None
    except (requests.RequestException, OSError, ValueError) as error:
        raise NotifyError(f"the URL cannot be reached ({type(error).__name__})") from None
    if status >= FIRST_ERROR_STATUS:
        raise NotifyError(f"the server answered with status {status}")


def _proxies(proxy: Secret | str | None, url: str) -> dict[str, str]:
    """By scheme; none for this machine itself, which no proxy reaches."""
    if proxy == PROXY_OF_ENVIRONMENT:
        from requests.utils import get_environ_proxies

        return dict(get_environ_proxies(url))
    address = proxy.reveal() if isinstance(proxy, Secret) else proxy
    return {"http": address, "https": address} if address and not is_loopback(urlsplit(url).hostname or "") else {}


def _authorities(ca_bundle: str | None) -> str | bool:
    """What requests takes as `verify`."""
    import ssl

    if ca_bundle != SYSTEM_STORE:
        return ca_bundle or True
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True
