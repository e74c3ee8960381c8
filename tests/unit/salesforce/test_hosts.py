"""sfr.salesforce.hosts: who may be sent a session."""

from __future__ import annotations

import pytest

from sfr.errors import LogInError
from sfr.options.urls import is_loopback
from sfr.salesforce.hosts import instance_url, is_salesforce_host, origin, without_api_suffix

ACME = "https://acme.my.salesforce.com"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, ACME),
        ("", ACME),
        ("https://acme.my.salesforce.com/", ACME),
        ("https://ACME.my.salesforce.com:443/services", ACME),
        ("https://na12.salesforce.com", "https://na12.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com", "https://acme--dev.sandbox.my.salesforce.com"),
        ("https://acme.my.salesforce.mil", "https://acme.my.salesforce.mil"),
        ("https://acme.my.sfcrmproducts.cn", "https://acme.my.sfcrmproducts.cn"),
    ],
)
def test_instance_url_is_taken_when_the_host_is_trusted(named: str | None, expected: str) -> None:
    """The domain's own, or one where only Salesforce answers."""
    assert instance_url(named, ACME + "/") == expected


@pytest.mark.parametrize(
    "named",
    [
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com:8443",
        "https://acme.my.salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "https://salesforce.com",
        "https://acme.lightning.force.com",
        "https://acme.my.site.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://evil.example\\@acme.my.salesforce.com",
        "https://evil.example#.salesforce.com",
        "https://evil.example?.salesforce.com",
        "https://127.0.0.1",
        "https://[::1",
        "https://acme.my.salesforce.com:port",
        "ftp://acme.my.salesforce.com",
        "//acme.my.salesforce.com",
        "nonsense",
    ],
)
def test_instance_url_is_refused_when_somebody_else_may_answer(named: str) -> None:
    """A log-in answer sends the session nowhere else."""
    with pytest.raises(LogInError, match=r"salesforce\.domain"):
        instance_url(named, ACME)


def test_instance_url_may_be_loopback_when_the_domain_is() -> None:
    """The emulator, on any port; and a real host, which a loopback gateway may name."""
    assert instance_url("http://localhost:81", "http://127.0.0.1:80") == "http://localhost:81"
    assert instance_url("http://[::1]:81", "http://127.0.0.1:80") == "http://[::1]:81"
    assert instance_url(ACME, "http://127.0.0.1:80") == ACME
    with pytest.raises(LogInError):
        instance_url("http://example.com", "http://127.0.0.1:80")


def test_origin_leaves_the_scheme_s_own_port_out() -> None:
    """So that origins can be compared as text."""
    assert origin("HTTP://Host:80/x?y#z") == "http://host"
    assert origin("https://host:80") == "https://host:80"


@pytest.mark.parametrize(
    ("server_url", "expected"),
    [
        (
            "https://na12-api.salesforce.com/services/Soap/u/23.0/00D",
            "https://na12.salesforce.com/services/Soap/u/23.0/00D",
        ),
        ("https://acme.my.salesforce.com/services", "https://acme.my.salesforce.com/services"),
        ("https://acme-api.my.salesforce.com/x-api.y", "https://acme.my.salesforce.com/x-api.y"),
        ("http://127.0.0.1:99/services", "http://127.0.0.1:99/services"),
    ],
)
def test_without_api_suffix_concerns_the_first_label_only(server_url: str, expected: str) -> None:
    """`-api` names the same instance for SOAP."""
    assert without_api_suffix(server_url) == expected


def test_hosts_are_distinguished() -> None:
    """Suffixes count from a dot."""
    assert is_salesforce_host("a.SALESFORCE.com")
    assert not is_salesforce_host("asalesforce.com")


def test_is_loopback_is_true_for_this_machine_only() -> None:
    """A name that only looks so is another host."""
    assert all(map(is_loopback, ("localhost", "LocalHost", "127.9.9.9", "::1", "[::1]")))
    assert not any(map(is_loopback, ("10.0.0.1", "localhost.evil.com", "127.0.0.1.example.com")))
