"""One POST to a URL that is a secret: nothing from the environment, no redirect, a bounded answer, no retry."""

from __future__ import annotations

from sfr.notify.ending import NotifyError

#: Of the answer, so much is read, so that the other side can finish.
LONGEST_ANSWER = 64 * 1024
FIRST_ERROR_STATUS = 300


def post(url: str, body: bytes, content_type: str, timeout_s: float) -> None:
    """Send the body. Raises `NotifyError`, without the URL, if it was not taken with a 2xx."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False  # no .netrc, and no proxy that the configuration does not know
            answer = session.post(
                url,
                data=body,
                headers={"Content-Type": content_type, "User-Agent": "sfr"},
                timeout=timeout_s,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                answer.raw.read(LONGEST_ANSWER)
                status = answer.status_code
    except requests.Timeout:
        raise NotifyError(f"no answer within {timeout_s:g} s") from None
    except (requests.RequestException, OSError, ValueError) as error:
        raise NotifyError(f"the URL cannot be reached ({type(error).__name__})") from None
    if status >= FIRST_ERROR_STATUS:
        raise NotifyError(f"the server answered {status}")
