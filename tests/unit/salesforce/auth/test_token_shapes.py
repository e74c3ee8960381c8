"""sfr.salesforce.auth.token_shapes: what is no session id is named and never sent."""

from __future__ import annotations

import pytest

from sfr.errors import LogInError
from sfr.redaction import Secret
from sfr.salesforce.auth.sid import SidSettings, log_in
from sfr.salesforce.auth.token_shapes import TOKEN_SHAPES, checked_pasted_token
from sfr.shapes import Shape, first_shape
from tests.unit.salesforce.auth.fake_transport import context_of

SID = "00Dxx0000000001!AQ.canary_0123456789"
#: How it was pasted → what the message says of it.
PASTED = {
    f"sid={SID}": "name of a variable",
    f"SFDC_SID={SID}": "name of a variable",
    f"export SFDC_SID={SID}": "name of a variable",
    f"Cookie: sid={SID}; inst=APP": "name of a header or cookie",
    f"Authorization: Bearer {SID}": "name of a header",
    f"Bearer {SID}": "scheme",
    f"OAuth {SID}": "scheme",
    f'"{SID}"': "quotes",
    f"'{SID}'": "quotes",
    f"`{SID}`": "quotes",
    f"\u201c{SID}\u201d": "quotes",
    f"{SID}'": "quotes",
    SID.replace("!", "\\!"): "shells escape",
    f"{SID}\\n": "backslash, which is not part",
    "refresh_token=5Aep.canary": "name of a header",
    "SESSION_ID_REMOVED": "masked",
    SID.replace("!", "%21"): "web address",
    SID.replace("!", "&#33;"): "HTML",
    "00Dxx0000000001": "org's id",
    "00Dxx0000000001AAA": "org's id",
    "00Dxx0000000001!": "org's id",
    "005xx0000000001AAA": "another record",
    f"\ufeff{SID}": "byte order mark",
    '{"accessToken": "' + SID + '"}': "JSON",
    f"https://acme.my.salesforce.com/secur/frontdoor.jsp?sid={SID}": "web address",
    "<!DOCTYPE html><title>Login</title>": "web page",
    "<your session id>": "placeholder",
    "00D…!AQ…": "placeholder",
    "***": "masked",
    "[REDACTED] use show-access-token": "masked",
    "${SFDC_SID}": "reference",
    "$SFDC_SID": "reference",
    "%SFDC_SID%": "reference",
    "{{ sid }}": "reference",
    f"{SID}\n{SID}": "several lines",
}


@pytest.mark.parametrize("text", PASTED)
def test_pasted_text_is_refused_before_it_is_sent_naming_its_shape(text: str) -> None:
    """What it is, what to do, and never the text."""
    context, transport, _ = context_of()
    with pytest.raises(LogInError) as raised:
        log_in(SidSettings(value=Secret(text)), context)

    assert PASTED[text] in str(raised.value)
    assert "salesforce.auth.sid.value" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert transport.requests == []


@pytest.mark.parametrize("shape", TOKEN_SHAPES, ids=lambda shape: shape.what)
def test_every_shape_is_met_by_an_example(shape: Shape[str]) -> None:
    """A shape that nothing shows is not tested."""
    firsts = [first_shape(TOKEN_SHAPES, text, is_anywhere=True) for text in PASTED]

    assert shape in firsts
    assert shape.remedy.endswith(".")


@pytest.mark.parametrize(
    "token",
    [
        SID,
        "00D5g000000AbcdEAC!AQ4AQFx.y_z" + "Ab9._" * 20,
        "5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrXenGA==",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl-_",
        "abc-def/ghi+jkl=",
    ],
)
def test_token_of_any_make_is_taken(token: str) -> None:
    """Session ids, refresh tokens, JWT-based access tokens."""
    assert checked_pasted_token(token, "x").reveal() == token
