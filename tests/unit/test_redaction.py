"""Secrets do not print, and are masked in every spelling."""

import base64
import html
import json
import pickle
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.redaction import MASK, Redactor, Secret

SECRET = "p@ss w&rd'<%\"ü>/+long"
SPELLINGS = {
    "as is": lambda text: text,
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url with slashes": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "html": html.escape,
    "xml": lambda text: html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
    "json": lambda text: json.dumps(text)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "first half": lambda text: text[: (len(text) + 1) // 2],
    "second half": lambda text: text[-((len(text) + 1) // 2) :],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_redactor_masks_a_secret_in_every_spelling(spelling):
    """Nothing of the spelled secret is left in the text."""
    redactor = Redactor()
    redactor.add(Secret(SECRET))
    spelled = SPELLINGS[spelling](SECRET)

    assert redactor.redact(f"before {spelled} after") == f"before {MASK} after"


@given(st.text(min_size=3))
def test_redactor_masks_any_text_of_three_characters_or_more(secret):
    """Whatever the characters, line ends and lone surrogates included."""
    redactor = Redactor()
    redactor.add(secret)

    assert secret not in redactor.redact(f"[{secret}]") or secret in MASK


def test_redactor_masks_what_looks_like_a_session_id_when_nobody_told_it():
    """An access token has a form of its own, as is and in a URL."""
    redactor = Redactor()

    assert redactor.redact("sid=00D5g000000AbcdEAC!AQ4AQFx.y_z; x") == f"sid={MASK}; x"
    assert redactor.redact("?sid=00D5g000000Abcd%21AQ4AQFx") == f"?sid={MASK}"


def test_redactor_leaves_other_text_alone_when_secrets_are_empty_or_short():
    """An empty security token must not turn every message into asterisks."""
    redactor = Redactor()
    redactor.add("", None, Secret(""), "ab")

    assert redactor.redact("about a table") == "about a table"


def test_secret_does_not_print_itself():
    """Formatting, `repr` and containers show the mask; only `reveal()` shows the text."""
    secret = Secret("canary")

    assert [MASK, MASK, f"[{MASK}]"] == [str(secret), repr(secret), str([secret])]
    assert secret.reveal() == "canary"


def test_secret_cannot_be_pickled():
    """No secret can enter a queue or a worker's arguments."""
    with pytest.raises(TypeError):
        pickle.dumps(Secret("canary"))
