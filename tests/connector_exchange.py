"""A REST API against a server of the test's own."""

from contextlib import closing, contextmanager

from sfr.connectors.exchange import Exchange
from sfr.connectors.frontdoor import Frontdoor
from sfr.files.reception import InlineBudget, Reception
from sfr.model import Report
from sfr.network.pace import Deadline
from sfr.network.transport import TransportOptions, open_transport
from sfr.redaction import Redactor, Secret
from sfr.session import Session


@contextmanager
def exchange_with(url, directory, *, token="00Dxx!token", timeout_s=30.0, renew=None, frontdoor=None):
    """An exchange, as an attempt gets it."""
    with closing(open_transport(TransportOptions())) as transport:
        reception = Reception(f"{directory}/body-", InlineBudget())
        session = Session(Secret(token), url, 1)
        deadline = Deadline.after(timeout_s, "`fetch.timeout_s`")
        frontdoor = frontdoor or Frontdoor(Redactor())
        yield Exchange(transport, session, "64.0", deadline, reception, renew, frontdoor)
        reception.discard()


def text_of(exchange):
    """What the connector has written."""
    body = exchange.reception.finish()
    if body is not None:
        return body
    with open(exchange.reception.spool_path, "rb") as file:
        return file.read()


def report(report_id="", soql="", **more):
    """A row of a report list."""
    kind = "SOQL" if soql else "SFDC"
    values = {"export_params": "" if soql else "?export=1&enc=UTF-8&xf=csv&isdtp=p1", **more}
    return Report(0, kind, "report", report_id, "/nowhere", soql=soql, **values)
