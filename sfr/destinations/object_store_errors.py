"""Explains obstore's errors: what the store answered, whether another attempt may help, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sfr.errors import DeliveryError
from sfr.wording import shortened

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]+)</Message>")
#: Queries of URLs, which may contain signatures of shared access.
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S*")
#: What a request proves itself with, which a store or a proxy may repeat: obstore makes it, so the redactor knows none.
_PROOF = re.compile(
    r"(?P<scheme>\b(?:(?:Bearer|SharedKey|SharedKeyLite)\s+|(?:Signature|sig)=))[^\s,;&<>'\"]{16,}", re.IGNORECASE
)
#: Why there was no response, in the debug form of an error.
_CONNECTION = re.compile(r"kind: (Timeout|Connect|Request|Interrupted|Decode)\b")
#: Codes of a refused log-in that come with another status than 401 or 403.
_LOG_IN_CODES = frozenset({"ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "AuthorizationHeaderMalformed"})
#: The store accepted the credentials and refused the operation.
_REFUSED_CODES = frozenset({"AccessDenied", "AuthorizationPermissionMismatch"})
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_BUSY = frozenset({408, 429})
_FIRST_SERVER_ERROR = 500
#: Addresses of the metadata services that give a cloud's machines their credentials.
_METADATA_HOSTS = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")
_NO_CREDENTIALS = "no credentials were found: configure them, or use a machine whose role has access"


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn obstore's errors into `DeliveryError`, which begins with `what`; others pass through."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, ValueError, TypeError) as error:
        raise _explanation(what, error) from None


def is_missing(error: Exception) -> bool:
    """Whether the store answered that there is no such object."""
    return isinstance(error, FileNotFoundError) or _status_of(str(error)) == _NOT_FOUND


def is_refused(error: Exception) -> bool:
    """Whether the store accepted the credentials and refused the operation."""
    found = _CODE.search(str(error))
    return found is not None and found[1] in _REFUSED_CODES


def _status_of(text: str) -> int | None:
    found = _STATUS.search(text)
    return int(found[1]) if found else None


def _explanation(what: str, error: Exception) -> DeliveryError:
    text, _, debug = str(error).partition("\n\nDebug source")
    status, code = _status_of(text), _CODE.search(text)
    answer = _answer(text)
    if any(host in text for host in _METADATA_HOSTS):
        return DeliveryError(f"{what}: {_NO_CREDENTIALS}.", is_unreachable=True)
    if "redirect without LOCATION" in text:
        return DeliveryError(f"{what}: the bucket is in another region; set `region`.", is_unreachable=True)
    if status is None and (found := _CONNECTION.search(debug)):
        reason = "it did not answer in time" if found[1] == "Timeout" else "no connection, or it was lost"
        return DeliveryError(f"{what}: {reason} ({_last_cause(debug)}).", is_transient=True, is_unreachable=True)
    is_log_in = status in (_UNAUTHORIZED, _FORBIDDEN) or (code is not None and code[1] in _LOG_IN_CODES)
    is_busy = status is not None and (status in _BUSY or status >= _FIRST_SERVER_ERROR)
    return DeliveryError(f"{what}: {answer}.", is_transient=is_busy, is_unreachable=is_log_in)


def _answer(text: str) -> str:
    """What the store answered, shortened."""
    code, message = _CODE.search(text), _MESSAGE.search(text)
    status = _status_of(text)
    if code is not None:
        words = f"{code[1]}, {' '.join(message[1].split())}" if message else code[1]
    else:
        words = " ".join(_QUERY.sub(r"\1", text).split())
    words = _PROOF.sub(r"\g<scheme>***", words)
    return shortened((f"it answered {status}, {words}" if code and status else words).rstrip("."), 300)


def _last_cause(debug: str) -> str:
    """The innermost cause in the debug form: `ConnectionRefused`, `TimedOut` …"""
    causes = re.findall(r"kind: (\w+)|message: \"([^\"]+)\"", debug)
    return shortened(next((a or b for a, b in reversed(causes)), "unknown"), 100)
