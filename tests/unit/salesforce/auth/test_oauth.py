"""sfr.salesforce.auth.oauth and the methods that use it: tokens, refusals, redirects."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.redaction import Secret
from sfr.salesforce.auth import METHODS, client_credentials, jwt_bearer, refresh_token
from sfr.salesforce.auth.client_credentials import ClientCredentialsSettings
from sfr.salesforce.auth.grants import LogInContext
from sfr.salesforce.auth.jwt_bearer import JwtSettings
from sfr.salesforce.auth.refresh_token import RefreshTokenSettings
from sfr.salesforce.web_pages import MovedError
from tests.certificates import make_key, pem_of
from tests.unit.salesforce.auth.fake_transport import DOMAIN, context_of

TOKEN = "00Dxx0000000001!AQ.token_0123456789"
SETTINGS = ClientCredentialsSettings(client_id="the-client", client_secret=Secret("the client/secret"))


def key_settings(key_file: Path, **values: str) -> JwtSettings:
    """Settings of the method `jwt`."""
    return JwtSettings(client_id="the-client", username="user@acme", private_key_file=str(key_file), **values)


def answer(**values: object) -> tuple[int, bytes]:
    """A successful token answer."""
    return 200, json.dumps({"access_token": TOKEN, "instance_url": DOMAIN, "token_type": "Bearer", **values}).encode()


def refusal(error: str, description: str | None = None, status: int = 400) -> tuple[int, bytes]:
    """An OAuth error."""
    return status, json.dumps({"error": error, **({"error_description": description} if description else {})}).encode()


def log_in(context: LogInContext) -> object:
    """By the simplest of the methods."""
    return client_credentials.log_in(SETTINGS, context)


def test_client_credentials_are_sent_as_a_form() -> None:
    """On My Domain, as the documentation says."""
    context, transport, redactor = context_of(answer())
    grant = client_credentials.log_in(SETTINGS, context)
    assert (grant.access_token.reveal(), grant.instance_url) == (TOKEN, DOMAIN)
    request = transport.requests[0]
    assert (request.method, request.url) == ("POST", f"{DOMAIN}/services/oauth2/token")
    assert parse_qs((request.body or b"").decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["the-client"],
        "client_secret": ["the client/secret"],
    }
    assert redactor.redact(f"answer: {TOKEN}") == "answer: ***"
    assert "secret" not in repr(request)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refusal("invalid_grant", "user hasn't approved this consumer"), "Permit the app"),
        (refusal("invalid_grant"), "invalid_grant"),
        (refusal("invalid_client_id", "client identifier invalid"), "client_id"),
        (refusal("invalid_client", "invalid client credentials", 401), "client_secret"),
        (refusal("invalid_grant", "no client credentials user enabled"), "Run As"),
        (refusal("invalid_grant", "request not supported on this domain"), "My Domain"),
        (refusal("something_new", "never seen"), "Login History"),
        ((401, b""), "no reason"),
        ((404, b" \n"), "no reason"),
        (refusal("invalid_client", "invalid client credentials", 503), "client_secret"),
        ((403, b"<html><title>Blocked</title>Your policy forbids this address.</html>"), "a web page"),
        (
            (403, b"<html><title>Blocked</title>Your policy forbids this address.</html>"),
            "'Blocked Your policy forbids",
        ),
        ((403, b"<html><title>Blocked</title>Your policy forbids this address.</html>"), "proxy, gateway or firewall"),
        ((200, b"Refused by policy 7"), "'Refused by policy 7'"),
        ((200, b'<html><form action="/login"><input type="password">Try again later</form></html>'), "a web page"),
        ((404, b"<html>gone</html>"), "status 404"),
        ((200, b"<!DOCTYPE html><html>"), "a web page"),
        ((200, b'{"token_type":"Bearer"}'), "instead of a token"),
        ((200, b'{"access_token":7}'), "instead of a token"),
        ((200, b'{"access_token":""}'), "empty"),
        ((200, b'{"access_token":"a\\r\\nX: y"}'), "not a valid session id"),
        (MovedError("https://acme2.my.salesforce.com"), "Set `salesforce.domain` to https://acme2.my.salesforce.com"),
        (ReportError(ErrorKind.AUTH, "redirected to a log-in page", http_status=302), "log-in page"),
        (ReportError(ErrorKind.NETWORK, "redirected elsewhere", http_status=302, permanent=True), "elsewhere"),
        (ReportError(ErrorKind.NOT_CSV, "too large", permanent=True), "too large"),
    ],
)
def test_log_in_is_refused_with_a_remedy(reply: tuple[int, bytes] | Exception, words: str) -> None:
    """Every refusal says what happened and what to do; none is tried again."""
    context, transport, _ = context_of(reply)
    with pytest.raises(LogInError) as raised:
        log_in(context)
    assert words in str(raised.value)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((503, b""), ErrorKind.SERVER),
        ((500, b'{"error":"unknown_error","error_description":"retry your request"}'), ErrorKind.SERVER),
        ((429, b""), ErrorKind.RATE_LIMITED),
        ((408, b""), ErrorKind.TIMEOUT),
        ((400, b""), ErrorKind.SERVER),
        ((200, b"\n"), ErrorKind.SERVER),
        ((406, b""), ErrorKind.SERVER),
        ((200, b'{"access_token":"00D'), ErrorKind.SERVER),
        ((200, b"<html><title>Salesforce</title><h1>We are down for maintenance.</h1></html>"), ErrorKind.SERVER),
        ((400, b"<html><body>Service <b>temporarily</b>\nunavailable</body></html>"), ErrorKind.SERVER),
        ((404, b"upstream connect error or disconnect/reset before headers. reset reason: overflow"), ErrorKind.SERVER),
        ((200, b'{"error":"unknown_error","error_description":"retry your request"}'), ErrorKind.SERVER),
        (
            (403, b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests Limit exceeded."}]'),
            ErrorKind.RATE_LIMITED,
        ),
        (ReportError(ErrorKind.NETWORK, "refused"), ErrorKind.NETWORK),
        (ReportError(ErrorKind.TRUNCATED, "cut"), ErrorKind.TRUNCATED),
    ],
)
def test_log_in_may_be_tried_again_when_salesforce_is_busy(
    reply: tuple[int, bytes] | Exception, kind: ErrorKind
) -> None:
    """Busy and unreachable are no refusals."""
    context, _, _ = context_of(reply)
    with pytest.raises(ReportError) as raised:
        log_in(context)
    assert raised.value.kind is kind
    assert raised.value.is_retryable


@pytest.mark.parametrize(
    "body", [b'{"token":"00D.canary"}', b'{"access_token":"00D.canary', b"<a><b>00D.canary</b></a>"]
)
def test_answer_that_may_hold_a_token_is_not_quoted(body: bytes) -> None:
    """JSON, cut JSON and XML: the redactor does not know what is in them."""
    context, _, _ = context_of((200, body))
    with pytest.raises((LogInError, ReportError)) as raised:
        log_in(context)
    assert "canary" not in str(raised.value)


def test_every_token_of_the_answer_is_masked() -> None:
    """Refresh and id tokens are secrets too."""
    context, _, redactor = context_of(answer(refresh_token="5Aep861.refresh", id_token="eyJ.id.token"))
    log_in(context)
    assert redactor.redact(f"{TOKEN} 5Aep861.refresh eyJ.id.token") == "*** *** ***"


class TestJwt:
    def test_assertion_is_signed_and_short_lived(self, tmp_path: Path) -> None:
        """RS256; iss, sub, aud; three minutes at most."""
        key = make_key()
        (tmp_path / "key.pem").write_bytes(pem_of(key))
        settings = key_settings(tmp_path / "key.pem", audience="https://test.salesforce.com")
        context, transport, redactor = context_of(answer())
        jwt_bearer.log_in(settings, context, wall_clock=lambda: 1_800_000_000.9)
        form = parse_qs((transport.requests[0].body or b"").decode())
        assertion = form["assertion"][0]
        claims = jwt.decode(
            assertion,
            key.public_key(),
            ["RS256"],
            audience="https://test.salesforce.com",
            options={"verify_exp": False},
        )
        assert claims == {
            "iss": "the-client",
            "sub": "user@acme",
            "aud": "https://test.salesforce.com",
            "exp": 1_800_000_180,
        }
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        assert redactor.redact(assertion) == "***"

    def test_token_url_takes_the_place_of_the_domain(self, tmp_path: Path) -> None:
        """Host and audience are two settings."""
        (tmp_path / "key.pem").write_bytes(pem_of(make_key()))
        url = "https://login.salesforce.com/services/oauth2/token"
        context, transport, _ = context_of(answer())
        jwt_bearer.log_in(key_settings(tmp_path / "key.pem", token_url=url), context)
        assert transport.requests[0].url == url

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "cannot be read"),
            (b"", "is empty"),
            (b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "not a private key"),
            ("encrypted", "passphrase"),
            ("elliptic", "RSA"),
            (b"x" * 100_000, "too large"),
        ],
    )
    def test_broken_key_is_a_refusal_that_says_what_is_wrong(
        self, tmp_path: Path, content: bytes | str | None, words: str
    ) -> None:
        """Before any request."""
        path = tmp_path / "key.pem"
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        if content == "encrypted":
            content = make_key().private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"x"))
        elif content == "elliptic":
            content = ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, pkcs8, serialization.NoEncryption())
        if isinstance(content, bytes):
            path.write_bytes(content)
        context, transport, _ = context_of()
        with pytest.raises(LogInError, match=words):
            jwt_bearer.log_in(key_settings(path), context)
        assert transport.requests == []


class TestRefreshToken:
    def settings(self, directory: Path, content: str = "5Aep.old-token\n") -> RefreshTokenSettings:
        (directory / "token").write_text(content)
        return RefreshTokenSettings(
            client_id="the-client", token_file=str(directory / "token"), client_secret=Secret("the-secret")
        )

    def test_token_is_kept_when_the_answer_has_no_new_one(self, tmp_path: Path) -> None:
        """Nothing is written without need."""
        settings = self.settings(tmp_path)
        context, transport, _ = context_of(answer())
        grant = refresh_token.log_in(settings, context)
        form = parse_qs((transport.requests[0].body or b"").decode())
        assert form["refresh_token"] == ["5Aep.old-token"]
        assert form["client_secret"] == ["the-secret"]
        assert grant.access_token.reveal() == TOKEN
        assert (tmp_path / "token").read_text() == "5Aep.old-token\n"

    def test_new_token_is_in_the_file_before_the_session_is_used(self, tmp_path: Path) -> None:
        """For its owner only, the line end kept; the next log-in reads it."""
        settings = self.settings(tmp_path)
        context, transport, redactor = context_of(answer(refresh_token="5Aep.new-token"), answer())
        refresh_token.log_in(settings, context)
        assert (tmp_path / "token").read_text() == "5Aep.new-token\n"
        assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
        assert redactor.redact("5Aep.new-token") == "***"
        refresh_token.log_in(settings, context)
        assert b"5Aep.new-token" in (transport.requests[1].body or b"")
        assert sorted(file.name for file in tmp_path.iterdir()) == ["token", "token.lock"]

    def test_symlink_stays_and_its_target_is_replaced(self, tmp_path: Path) -> None:
        """The file is where the link says."""
        real = tmp_path / "real"
        real.mkdir()
        self.settings(real)
        (tmp_path / "link").symlink_to(real / "token")
        context, _, _ = context_of(answer(refresh_token="5Aep.new-token"))
        refresh_token.log_in(RefreshTokenSettings(client_id="c", token_file=str(tmp_path / "link")), context)
        assert (tmp_path / "link").is_symlink()
        assert (real / "token").read_text() == "5Aep.new-token\n"

    def test_log_ins_with_one_token_happen_one_after_another(self, tmp_path: Path) -> None:
        """A second program waits for the first, then reads what that one wrote."""
        settings = self.settings(tmp_path)
        first_context, first, _ = context_of(answer(refresh_token="5Aep.new-token"))
        second_context, second, _ = context_of(answer())
        is_asked, may_answer = threading.Event(), threading.Event()
        first.on_ask = lambda: (is_asked.set(), may_answer.wait(20))
        threads = [threading.Thread(target=refresh_token.log_in, args=(settings, first_context))]
        threads[0].start()
        assert is_asked.wait(20)
        threads.append(threading.Thread(target=refresh_token.log_in, args=(settings, second_context)))
        threads[1].start()
        assert second.requests == []
        may_answer.set()
        for thread in threads:
            thread.join(20)
        assert b"5Aep.new-token" in (second.requests[0].body or b"")

    @pytest.mark.parametrize("content", ["5Aep.old-token\n\n", "\ufeff5Aep.old-token\r\n", "  5Aep.old-token "])
    def test_token_loses_what_editors_put_around_it(self, tmp_path: Path, content: str) -> None:
        """A byte order mark, blanks and line ends are part of no token; the next token is written without them."""
        settings = self.settings(tmp_path, content)
        context, transport, _ = context_of(answer(refresh_token="5Aep.new-token"))
        refresh_token.log_in(settings, context)
        assert b"refresh_token=5Aep.old-token&" in (transport.requests[0].body or b"")
        assert (tmp_path / "token").read_text() == "5Aep.new-token\n"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("", "empty; expected a refresh token"),
            ("a b", "not a valid refresh token"),
            ('"5Aep.old-token"', "in quotes"),
            ('{"refresh_token": "5Aep.old-token"}', "is JSON.*the value of `refresh_token` alone"),
            ("refresh_token=5Aep.old-token", "name of a header.*the refresh token alone"),
            ("5Aep.old-token\n5Aep.older\n", "several lines"),
            (None, "cannot be read"),
        ],
    )
    def test_missing_token_is_a_refusal_before_any_request(
        self, tmp_path: Path, content: str | None, words: str
    ) -> None:
        """What to look at, without what was read."""
        settings = self.settings(tmp_path, content or "")
        if content is None:
            (tmp_path / "token").unlink()
        context, transport, _ = context_of()
        with pytest.raises(LogInError, match=words):
            refresh_token.log_in(settings, context)
        assert transport.requests == []

    def test_directory_that_cannot_be_written_is_a_refusal_before_any_request(self) -> None:
        """A token that cannot be stored is not spent."""
        context, transport, _ = context_of()
        with pytest.raises(LogInError, match="not writable"):
            refresh_token.log_in(RefreshTokenSettings(client_id="c", token_file="/proc/sys/token"), context)
        assert transport.requests == []

    def test_waiting_for_the_lock_ends_with_the_run(self, tmp_path: Path) -> None:
        """A stop waits for no other program."""
        import fcntl

        settings = self.settings(tmp_path)
        context, transport, _ = context_of()
        transport.is_aborted = True
        with (tmp_path / "token.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(ReportError) as raised:
                refresh_token.log_in(settings, context)
        assert raised.value.kind is ErrorKind.INTERRUPTED


def test_registry_names_the_methods_of_the_contract() -> None:
    """The keys under `salesforce.auth`."""
    assert set(METHODS) == {"sid", "jwt", "client_credentials", "refresh_token", "soap", "sf_cli"}
