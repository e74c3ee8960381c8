"""Recognises session ids and tokens that were copied wrongly: one table, with what they are and what to do. Pure.

They are rejected before they are sent: Salesforce would only respond that the session has expired.
"""

from __future__ import annotations

import codecs

from sfr.errors import LogInError
from sfr.redaction import Secret
from sfr.salesforce.auth.grants import checked_token
from sfr.shapes import Shape, first_shape

_THE_ID_ALONE = "Give the id alone, such as 00D…!AQ…."
_THE_VALUE_ALONE = "Give the value of `accessToken` or `access_token` alone."


def _shape(what: str, pattern: str, remedy: str = _THE_ID_ALONE) -> Shape[str]:
    return Shape(f"(?is){pattern}", what, remedy)


#: Found anywhere in the text; `what` is the end of the sentence "X …".
TOKEN_SHAPES: tuple[Shape[str], ...] = (
    _shape("begins with a byte order mark", r"\A\ufeff", "Save it as UTF-8 without a byte order mark."),
    _shape("is in quotes", r"\A\s*[\"'`\u2018-\u201f\u00ab].*\Z|[\"'`\u2019\u201d\u00bb]\s*\Z", "Remove the quotes."),
    _shape(
        "is a reference that was not filled in", r"\A\s*(\$\{?\w+\}?|%\w+%|\{\{.*\}\})\s*\Z", "Define the variable."
    ),
    _shape(
        "is masked or a placeholder",
        r"\*\*\*|\[redacted|session_id_removed|\u2026|\A\s*<[^>]*>\s*\Z",
        _THE_ID_ALONE,
    ),
    _shape("is JSON", r"\A\s*[\[{]", _THE_VALUE_ALONE),
    _shape("is a web page", r"\A\s*<", _THE_ID_ALONE),
    _shape("is a web address", r"\A\s*https?://", "Give the value of its parameter `sid` alone, decoded."),
    _shape("begins with the name of a variable, header or cookie", r"\A\s*(export\s+|set\s+)?[\w-]{1,60}\s*[=:]\s*00D"),
    _shape(
        "begins with the name of a header or cookie",
        r"\A\s*(sid|cookie|authorization|session\w*|(access|refresh)_?token)\s*[=:]",
    ),
    _shape("begins with the name of an authorisation scheme", r"\A\s*(bearer|oauth|basic|token)[\s:]"),
    _shape(
        "contains a backslash, as shells escape the exclamation mark",
        r"\\!",
        "Remove the backslash before the `!`.",
    ),
    _shape("contains a backslash, which is not part of a session id", r"\\", _THE_ID_ALONE),
    _shape("is encoded for a web address", r"\A\s*00D\w+%21", "Decode it: `%21` stands for `!`."),
    _shape(
        "is encoded for HTML", r"\A\s*00D\w+&(amp|excl|#33|#x21);", "Decode it: `&excl;` or `&#33;` stands for `!`."
    ),
    _shape(
        "is the org's id, not a session id: what follows the `!` is missing",
        r"\A\s*00D[a-z0-9]{12}([a-z0-9]{3})?!?\s*\Z",
        "Shells take `!` for a command: put the session id in single quotes, or in a file.",
    ),
    _shape(
        "is the id of another record, not a session id",
        r"\A\s*00[05eGO][a-z0-9]{12}([a-z0-9]{3})?\s*\Z",
    ),
    _shape("contains several lines", r"\S\s*[\r\n]+\s*\S"),
)

_REFRESH_ONLY = "Give the refresh token alone, such as 5Aep…."
#: The remedies if a refresh token was expected.
_REFRESH_REMEDIES = {_THE_ID_ALONE: _REFRESH_ONLY, _THE_VALUE_ALONE: "Give the value of `refresh_token` alone."}


def checked_pasted_token(text: str, origin: str, *, is_refresh_token: bool = False) -> Secret:
    """Validate a session id or token from a person or a program. origin: where it came from, for messages.

    Raises LogInError for anything else, naming its shape but never quoting it.
    """
    shape = first_shape(TOKEN_SHAPES, text, is_anywhere=True)
    if shape is not None:
        remedy = _REFRESH_REMEDIES.get(shape.remedy, shape.remedy) if is_refresh_token else shape.remedy
        what = shape.what.replace("session id", "refresh token") if is_refresh_token else shape.what
        raise LogInError(f"{origin} {what}; expected a {_kind(is_refresh_token=is_refresh_token)}. {remedy}")
    return checked_token(text, origin, is_refresh_token=is_refresh_token)


def _kind(*, is_refresh_token: bool) -> str:
    return "refresh token" if is_refresh_token else "session id"


def token_in_file(content: bytes, origin: str) -> str:
    """The token in a file's content, without a byte order mark and surrounding spaces and newlines.

    Raises LogInError if it is not UTF-8 text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise LogInError(f"{origin} is UTF-16 text, as PowerShell's `>` writes it; save it as UTF-8.")
    try:
        return content.decode("utf-8-sig").strip(" \t\r\n")
    except UnicodeDecodeError as error:
        raise LogInError(f"{origin} is not UTF-8 text; expected a token alone. Save it as UTF-8.") from error
