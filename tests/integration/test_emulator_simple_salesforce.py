"""A client written by others agrees with the emulator: simple-salesforce logs in, queries, and downloads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceLogin
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
)

from sfr.emulator import Emulator

HOST = "sfr-emulator.my.salesforce.com"


class ToEmulator(HTTPAdapter):
    """Sends requests for any Salesforce host to the emulator, with the Host header of the host that was meant."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request, **options):
        host, _, rest = request.url.removeprefix("https://").partition("/")
        request.headers["Host"] = host
        request.url = f"{self._url}/{rest}"
        return super().send(request, **options)


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An emulator."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def web(org: Emulator) -> Iterator[requests.Session]:
    """A session of requests for which every https host is the emulator."""
    with requests.Session() as session:
        session.mount("https://", ToEmulator(org.url))
        yield session


@pytest.fixture
def client(org: Emulator, web: requests.Session) -> Salesforce:
    """simple-salesforce with a session that is already there."""
    return Salesforce(instance=HOST, session_id=org.sid, session=web)


def test_soap_login_gives_a_session_that_shows_limits(org: Emulator, web: requests.Session) -> None:
    """Username, password and security token log in through login.salesforce.com, and `limits()` answers."""
    own = org.credentials
    client = Salesforce(username=own.username, password=own.password, security_token=own.security_token, session=web)
    assert client.sf_instance == HOST
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000


def test_jwt_login_gives_a_session_that_shows_limits(org: Emulator, web: requests.Session) -> None:
    """An assertion signed by simple-salesforce with the emulator's key is accepted."""
    own = org.credentials
    client = Salesforce(
        username=own.username, consumer_key=own.client_id, privatekey_file=own.private_key_file, session=web
    )
    assert client.limits()["HourlySyncReportRuns"]["Max"] == 500


def test_client_credentials_login_gives_a_session_that_shows_limits(org: Emulator, web: requests.Session) -> None:
    """Client id and secret log in on My Domain."""
    own = org.credentials
    client = Salesforce(
        consumer_key=own.client_id, consumer_secret=own.client_secret, domain="sfr-emulator.my", session=web
    )
    assert client.limits()["ConcurrentSyncReportRuns"]["Max"] == 20


def test_password_grant_gives_a_session(org: Emulator, web: requests.Session) -> None:
    """The OAuth username-password flow works for the right password."""
    own = org.credentials
    client = Salesforce(
        username=own.username,
        password=own.password + own.security_token,
        consumer_key=own.client_id,
        consumer_secret=own.client_secret,
        session=web,
    )
    assert client.limits()


def test_client_credentials_are_refused_on_the_common_login_host(org: Emulator, web: requests.Session) -> None:
    """Client credentials work on My Domain only (simple-salesforce does not even try)."""
    form = {"grant_type": "client_credentials", "client_id": org.credentials.client_id}
    form["client_secret"] = org.credentials.client_secret
    answer = web.post("https://login.salesforce.com/services/oauth2/token", data=form)
    assert answer.status_code == 400
    assert answer.json()["error_description"] == "request not supported on this domain"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "wrong"}, "INVALID_LOGIN"),
        ({"username": "nobody@example.com"}, "INVALID_LOGIN"),
        ({"security_token": ""}, "LOGIN_MUST_USE_SECURITY_TOKEN"),
        ({"version": "65.0"}, "UNSUPPORTED_API_VERSION"),
    ],
)
def test_soap_login_is_refused_when_something_is_wrong(
    org: Emulator, web: requests.Session, changes: dict[str, str], code: str
) -> None:
    """Wrong secrets and versions without SOAP log-in end in the fault that Salesforce sends."""
    own = org.credentials
    options = {"username": own.username, "password": own.password, "security_token": own.security_token}
    if "version" in changes:
        options["sf_version"] = changes["version"]
    else:
        options |= changes
    with pytest.raises(SalesforceAuthenticationFailed, match=code):
        SalesforceLogin(**options, session=web)


def test_jwt_login_is_refused_when_the_key_is_another(org: Emulator, web: requests.Session, tmp_path: Path) -> None:
    """The signature is really checked."""
    with Emulator(directory=tmp_path) as other:
        wrong = other.private_key_file
        with pytest.raises(SalesforceAuthenticationFailed, match="invalid assertion"):
            SalesforceLogin(
                username=org.credentials.username,
                consumer_key=org.credentials.client_id,
                privatekey_file=wrong,
                session=web,
            )


def test_query_pages_through_all_accounts(client: Salesforce) -> None:
    """`query_all` follows nextRecordsUrl to the end."""
    found = client.query_all("SELECT Id, Name, Owner.Name FROM Account ORDER BY Name")
    assert found["totalSize"] == len(found["records"]) == 3_200
    assert len({record["Id"] for record in found["records"]}) == 3_200
    names = [record["Name"].casefold() for record in found["records"]]
    assert names == sorted(names)
    assert found["records"][0]["Owner"]["Name"]


def test_query_lists_the_reports(client: Salesforce, org: Emulator) -> None:
    """The Report object holds the catalogue, and a joined report besides."""
    found = client.query_all(
        "SELECT Id, Name, FolderName, Format, LastRunDate FROM Report WHERE Format != 'MultiBlock'"
    )
    listed = [(each["Id"], each["Name"], each["FolderName"], each["Format"]) for each in found["records"]]
    assert listed == [(each.id, each.name, each.folder, each.format) for each in org.reports]


def test_query_is_refused_when_a_field_is_unknown(client: Salesforce) -> None:
    """Errors are arrays with INVALID_FIELD."""
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        client.query("SELECT Nothing FROM Account")


def test_session_is_refused_when_it_has_ended(client: Salesforce, org: Emulator) -> None:
    """After an administrator ended all sessions, the next call gets 401 INVALID_SESSION_ID."""
    org.end_sessions()
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        client.limits()


def test_bulk2_query_downloads_every_record(client: Salesforce) -> None:
    """A Bulk API 2.0 query gives all records, page after page, each with its own header."""
    pages = list(client.bulk2.Account.query("SELECT Id, Name, Description FROM Account", max_records=1_000, wait=0))
    assert len(pages) == 4
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
    assert len({row["Id"] for row in rows}) == 3_200


def test_bulk2_query_fails_when_a_field_is_unknown(client: Salesforce) -> None:
    """A query that only the job can find wrong ends as Failed, with the reason."""
    with pytest.raises(Exception, match="INVALID_FIELD"):
        list(client.bulk2.Account.query("SELECT Nothing FROM Account", wait=0))


def test_restful_reaches_the_analytics_api(client: Salesforce, org: Emulator) -> None:
    """`restful` describes and runs a report."""
    report = org.report("Deals by Stage")
    described = client.restful(f"analytics/reports/{report.id}/describe")
    assert described["reportMetadata"]["reportFormat"] == "SUMMARY"
    ran = client.restful(f"analytics/reports/{report.id}", params={"includeDetails": "true"})
    assert sum(len(entry["rows"]) for entry in ran["factMap"].values()) == report.rows
    assert ran["allData"] is True
