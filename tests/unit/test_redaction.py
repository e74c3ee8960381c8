"""Secrets do not print, and are masked in every spelling."""

import base64
import html
import json
import pickle
import string
import time
import urllib.parse

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sfr.redaction import MASK, Redactor, Secret
from sfr.redaction.decoding import has_escapes

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


def test_redactor_masks_what_looks_like_a_session_id_even_if_unregistered():
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


def _numeric(form):
    """HTML with every character but letters as a number."""
    return lambda text: "".join(c if c.isascii() and c.isalnum() else form.format(ord(c)) for c in text)


#: One layer of encoding each; every one may be put on top of another.
ENCODINGS = {
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "url, every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "form": urllib.parse.quote_plus,
    "html": html.escape,
    "html decimal": _numeric("&#{};"),
    "html hexadecimal": _numeric("&#x{:X};"),
    "xml": lambda text: html.escape(text, quote=False).replace('"', "&#34;").replace("'", "&apos;"),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, all as numbers": lambda text: "".join(
        f"\\u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H").tolist()
    ),
    "json, unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "url of a script": lambda text: "".join(
        f"%u{unit:04X}" for unit in memoryview(text.encode("utf-16-le")).cast("H").tolist()
    ),
    "mail": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
}
CAPITALS = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
#: Such as passwords and tokens are made of: every character that some encoding escapes, and some that none does.
SECRETS = st.text(st.sampled_from("aZ09 +-_.!%&;#\\/'\"<>=@{}ü€😀"), min_size=6, max_size=40).filter(
    lambda text: text.strip() == text and len(set(text)) > 3
)


@pytest.mark.parametrize("second", ["nothing", *ENCODINGS])
@given(secret=SECRETS, first=st.sampled_from(list(ENCODINGS)), in_capitals=st.booleans())
@settings(max_examples=60, deadline=None)
def test_redactor_masks_any_secret_in_any_encoding_within_another(second, secret, first, in_capitals):
    """Whatever is escaped, and escaped again, in whichever case: nothing of it is left."""
    redactor = Redactor()
    redactor.add(secret)
    spelled = ENCODINGS[first](secret.translate(CAPITALS) if in_capitals else secret)
    spelled = spelled if second == "nothing" else ENCODINGS[second](spelled)

    assert redactor.redact(f"before [ {spelled} ] after") == f"before [ {MASK} ] after"


@pytest.mark.parametrize(
    ("secret", "spelled"),
    [("%0a00'", "%0a00&#x27;"), ('00"=0a', "00&amp;quot;=0a"), ("00'=0a99", "00&amp;amp;amp;#x27;=0a99")],
)
def test_redactor_masks_a_secret_that_looks_like_an_escaped_line_end_to_its_ends(secret, spelled):
    """The line end is decoded in one layer; in the next it might be that of a wrapped line."""
    redactor = Redactor()
    redactor.add(secret)

    assert redactor.redact(f"before [ {spelled} ] after") == f"before [ {MASK} ] after"


@given(secret=SECRETS, encodings=st.lists(st.sampled_from(list(ENCODINGS)), min_size=3, max_size=4))
@settings(max_examples=200, deadline=None)
def test_redactor_masks_any_secret_in_three_and_four_encodings(secret, encodings):
    """As a gateway's page quotes a form's field in a script."""
    redactor = Redactor()
    redactor.add(secret)
    spelled = secret
    for encoding in encodings:
        spelled = ENCODINGS[encoding](spelled)

    assert redactor.redact(f"( {spelled} )") == f"( {MASK} )"


@given(secret=SECRETS, before=st.binary(max_size=9), after=st.binary(max_size=9), is_url_safe=st.booleans())
@settings(max_examples=300, deadline=None)
def test_redactor_masks_base64_at_every_alignment(secret, before, after, is_url_safe):
    """`user:password` of a proxy, for user names of every length: no characters are left that the secret determines."""
    redactor = Redactor()
    redactor.add(secret)
    encode = base64.urlsafe_b64encode if is_url_safe else base64.b64encode
    raw = secret.encode()
    encoded = encode(before + raw + after).decode()

    left = redactor.redact(f"Basic {encoded}").removeprefix("Basic ")

    assert MASK in left
    determined = encoded[-(-8 * len(before) // 6) : 8 * (len(before) + len(raw)) // 6]
    assert determined not in left
    assert len(left) <= len(encoded) - len(determined) + len(MASK)


@given(secret=SECRETS, name=st.sampled_from(list(ENCODINGS)), before=st.text("abc", max_size=5))
@settings(max_examples=100, deadline=None)
def test_redactor_masks_base64_of_an_encoded_secret_and_hexadecimal(secret, name, before):
    """Encoded once more by somebody else; hexadecimal, in both cases."""
    redactor = Redactor()
    redactor.add(secret)
    inner = f"user {before}: {ENCODINGS[name](secret)}, and more"

    assert redactor.redact(base64.b64encode(inner.encode()).decode().rstrip("=")) == MASK
    assert redactor.redact(f"x {secret.encode().hex()} {secret.encode().hex().upper()} y") == f"x {MASK} {MASK} y"


@pytest.mark.parametrize("secret", ["abc", "k3y!", "tok€n"])
@pytest.mark.parametrize("user", ["", "u", "me", "you", "alice"])
def test_redactor_masks_base64_of_a_short_secret_where_it_is_text(secret, user):
    """It has no recognisable form of its own, so what looks encoded is decoded."""
    redactor = Redactor()
    redactor.add(secret)
    encoded = base64.b64encode(f"{user}:proxy:{secret}".encode()).decode().rstrip("=")

    assert redactor.redact(f"Proxy-Authorization: Basic {encoded}") == f"Proxy-Authorization: Basic {MASK}"


@given(secret=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=60), cut=st.integers(0, 100))
def test_redactor_masks_what_is_left_of_a_cut_secret_from_half_of_it_on(secret, cut):
    """All that is left of it, not only its half."""
    redactor = Redactor()
    redactor.add(secret)
    length = (len(secret) + 1) // 2 + cut * (len(secret) // 2) // 100

    assert redactor.redact(f"<{secret[:length]}>") == f"<{MASK}>"
    assert redactor.redact(f"<{secret[-length:]}>") == f"<{MASK}>"


@given(secret=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=24, max_size=60), start=st.integers(0, 30))
def test_redactor_masks_a_half_from_the_middle_of_a_secret(secret, start):
    """Of one that is cut at both ends, or lies in base64 that is."""
    redactor = Redactor()
    redactor.add(secret)
    half = (len(secret) + 1) // 2
    start = min(start, len(secret) - half)

    assert redactor.redact(f"<{secret[start : start + half]}>") == f"<{MASK}>"


@pytest.mark.parametrize("wrap", ["\n", "\r\n\t", "=\r\n", "\\r\\n", "<wbr>", "<wbr/>"])
def test_redactor_masks_a_secret_that_is_broken_into_lines(wrap):
    """As mail, long headers, base64 and pages break it; the lines around it stay."""
    secret, redactor = "".join(map(chr, range(48, 123))), Redactor()
    redactor.add(secret)
    for text in (secret, base64.b64encode(secret.encode()).decode()):
        broken = wrap.join(text[start : start + 20] for start in range(0, len(text), 20))
        assert redactor.redact(f"before\n<{broken}>\nafter") == f"before\n<{MASK}>\nafter"


def test_redactor_masks_a_secret_whose_utf_8_was_read_as_latin_1():
    """As header values are."""
    redactor = Redactor()
    redactor.add("pässword")
    assert redactor.redact("Location: /pässword".encode().decode("latin-1")) == f"Location: /{MASK}"


#: Nothing of this is a secret.
ORDINARY = [
    "Report 'Größe & Menge' (00O5g000000AbCdEFG): saved, 12,345 rows -> /srv/sfr/output/größe & menge.csv",
    "GET https://acme.my.salesforce.com/00O5g0000000001?export=1&enc=UTF-8&xf=csv&pv0=50%25+of%20all -> 200",
    'The page said: {"error":"invalid_grant","error_description":"it\\u2019s \\"expired\\""} &amp; &lt;br&gt;',
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, Basic realm, C:\\temp\\new",
    "Prüfung: 100 % &c. &nbsp; AT&T; 5&6 %zz \\q \\u12 \\x1 &#; &#xZZ; %e4%f6%fc",
    "eyJhbGciOiJSUzI1NiJ9 VGhpcyBpcyBqdXN0IHNvbWUgdGV4dCwgbm90IGEgc2VjcmV0IGF0IGFsbA== 5468697320697320746578742e",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_redactor_leaves_ordinary_text_as_it_is(text):
    """Escapes are undone to compare, never in what is shown."""
    redactor = Redactor()
    redactor.add("Passw0rd!x7", "3MVG9" + "aB3" * 20, "p+q r%41&amp;", SECRET, "00D5g000000AbcdEAC!AQ" + "x.Y_" * 20)

    assert redactor.redact(text) == text


@pytest.mark.parametrize("secret", ["http://x:8080", "http://hook/a", "https://x.io/k"])
def test_redactor_leaves_the_beginning_of_other_urls_when_half_of_a_short_one_is_no_more(secret):
    """The URL itself, and its other half, are masked as ever."""
    redactor = Redactor()
    redactor.add(secret)

    text = "GET https://acme.my.salesforce.com -> http://127.0.0.1"
    assert redactor.redact(text) == text
    assert redactor.redact(f"<{secret}> <{secret[-len(secret) // 2 :]}>") == f"<{MASK}> <{MASK}>"


@given(st.text(), SECRETS)
def test_redactor_changes_no_text_without_the_secret(text, secret):
    """Random text, a random secret of which no half is in it."""
    secret = f"Canary{secret}0123456789"
    assume(not has_escapes(secret))  # decoded, it is shorter, and so is its half
    half = len(secret) // 2
    assume(not any(text[start : start + half] in secret for start in range(len(text) - half + 1)))
    redactor = Redactor()
    redactor.add(secret)

    assert redactor.redact(text) == text


def test_redactor_masks_only_the_secret_within_encoded_text():
    """The text around it stays as it was, escapes included."""
    redactor = Redactor()
    redactor.add("p&ss+w")

    text = "a%20b &amp; {pw}, c\\u0064 {pw}"
    assert redactor.redact(text.format(pw="p%2526ss%252Bw")) == text.format(pw=MASK)
    assert redactor.redact(text.format(pw="p&#38;ss\\\\u002bw")) == text.format(pw=MASK)


@pytest.mark.parametrize("piece", ["%25", "&amp;", "\\\\", "\\u005c", "Ab3+", "%u0041", "&#38;#38;"])
def test_redactor_takes_little_time_for_a_page_of_escapes(piece):
    """Linear in the text, whatever an attacker puts there."""
    redactor = Redactor()
    redactor.add("Passw0rd!x7", SECRET)
    text = piece * (256 * 1024 // len(piece))
    begun = time.process_time()

    redactor.redact(text)

    assert time.process_time() - begun < 5
