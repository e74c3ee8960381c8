"""One attempt's context against a server of the test's own."""

from contextlib import closing, contextmanager

from sfr.model import Report
from sfr.redaction import Redactor, Secret
from sfr.runner.backpressure import InlineMemory
from sfr.salesforce.frontdoor import Frontdoor
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import TransportOptions, open_transport
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.session import Session
from sfr.storage.spool import IncomingBody


@contextmanager
def exchange_with(url, directory, *, token="00Dxx!token", timeout_s=30.0, renew=None, frontdoor=None, route="classic"):
    """A context, as a fetch thread makes one for an attempt."""
    with closing(open_transport(TransportOptions())) as transport:
        incoming = IncomingBody(f"{directory}/body-", InlineMemory())
        session = Session(Secret(token), url, 1)
        deadline = Deadline.after(timeout_s, "`fetch.timeout_s`")
        yield FetchContext(
            report(),
            None,
            1,
            route,
            transport,
            session,
            "64.0",
            deadline,
            incoming,
            renew,
            frontdoor or Frontdoor(Redactor()),
        )
        incoming.discard()


def text_of(context):
    """What the route has written."""
    if context.incoming.spool_path is None:
        return context.incoming.finish()
    with open(context.incoming.spool_path, "rb") as file:
        return file.read()


def report(report_id="", soql="", **more):
    """A row of a report list."""
    kind = "SOQL" if soql else "SFDC"
    values = {"export_params": "" if soql else "?export=1&enc=UTF-8&xf=csv&isdtp=p1", **more}
    return Report(0, kind, "report", report_id, "/nowhere", soql=soql, **values)
