"""Domains, token URLs, proxies and notify URLs."""

import pytest

from sfr.options.urls import check_notify_url, check_proxy_url, check_secure_url
from sfr.salesforce.domains import normalize_domain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("emulator", "emulator"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("HTTPS://Acme.My.Salesforce.com", "https://acme.my.salesforce.com"),
        (" https://acme.my.salesforce.com\n", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_normalize_domain_gives_what_requests_are_sent_to(text, expected):
    """Scheme, host in lower case, port if any, no slash at the end."""
    assert normalize_domain(text) == (expected, None)


def test_normalize_domain_maps_lightning_host_with_a_warning():
    """The Lightning host would answer exports with redirects for ever."""
    domain, warning = normalize_domain("https://acme.lightning.force.com")

    assert domain == "https://acme.my.salesforce.com"
    assert "write that" in warning


def test_normalize_domain_warns_of_log_in_host():
    """Nobody's reports are at login.salesforce.com."""
    domain, warning = normalize_domain("https://login.salesforce.com")

    assert domain == "https://login.salesforce.com"
    assert "the org's own domain" in warning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme.my.salesforce.com", "did you mean `https://acme.my.salesforce.com`?"),
        ("acme.lightning.force.com", "did you mean `https://acme.my.salesforce.com`?"),
        ("acme", "did you mean `https://acme.my.salesforce.com`?"),
        ("http://acme.my.salesforce.com", "only for loopback hosts) (did you mean `https://acme.my.salesforce.com`?"),
        (
            "https://acme.lightning.force.com/lightning",
            "without a path (did you mean `https://acme.my.salesforce.com`?)",
        ),
        ("https://acme.my.salesforce.com?", "without a path"),
        ("https://acme.my.salesforce.com#x", "without a path"),
        ("https://user:password@acme.my.salesforce.com", "without user name and password"),
        ("ftp://acme.my.salesforce.com", "My Domain"),
        ("https://", "My Domain"),
        ("", "My Domain"),
        ("https://a b", "My Domain"),
        ("https://acme.my.salesforce.com:99999", "My Domain"),
        ("https://acme..com", "My Domain"),
        ("https://[::1", "My Domain"),
        ("https://acme\n.my.salesforce.com", "My Domain"),
        ("https://münchen.de", "My Domain"),
        ("https:\\\\acme.my.salesforce.com", "My Domain"),
        ("Emulator ", "My Domain"),
    ],
)
def test_normalize_domain_says_what_is_expected_when_it_is_no_domain(text, expected):
    """With the nearest right form, where there is one."""
    with pytest.raises(ValueError, match=r"`|\w") as caught:
        normalize_domain(text)

    assert expected in str(caught.value)


def test_normalize_domain_shows_no_password_when_one_is_in_it():
    """The message goes to a log."""
    with pytest.raises(ValueError, match="without user name") as caught:
        normalize_domain("https://user:hunter2@acme.my.salesforce.com")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://acme.my.salesforce.com/services/oauth2/token", "http://127.0.0.1:9/token"])
def test_check_secure_url_takes_https_and_loopback(url):
    """Credentials go encrypted, or nowhere."""
    assert check_secure_url(url) == url


@pytest.mark.parametrize("url", ["http://acme.my.salesforce.com/token", "https://u:p@h.com/", "acme", "https://"])
def test_check_secure_url_refuses_others(url):
    """Plain http to another machine, and credentials in a URL."""
    with pytest.raises(ValueError, match="a URL"):
        check_secure_url(url)


@pytest.mark.parametrize("url", ["http://proxy:3128", "http://u:p%40@proxy.example.com:3128/", "https://10.0.0.1:8"])
def test_check_proxy_url_takes_http_proxies(url):
    """With user name and password if need be."""
    assert check_proxy_url(url) == url


@pytest.mark.parametrize(
    "url", ["socks5://proxy:1080", "proxy:3128", "http://u:p/w@proxy", "http://proxy/path", "env "]
)
def test_check_proxy_url_refuses_others(url):
    """Also a password whose slash would end the host."""
    with pytest.raises(ValueError, match="URL"):
        check_proxy_url(url)


def test_check_notify_url_takes_web_urls_only():
    """Plain http is fine: a ping may go to a host in the same network."""
    assert check_notify_url("http://monitor.lan/ping/1?x=y")
    with pytest.raises(ValueError, match="https"):
        check_notify_url("mailto:a@b.c")
