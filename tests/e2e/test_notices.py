"""Notifications of a run: ping, webhook, command, metrics. None of it changes how the run ends."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openpyxl
import pytest

from tests.e2e.conftest import row
from tests.mail_server import MailServer

NAMES = ("Awkward Cells", "Deals by Stage")
TOKEN = "t0ken-canary"
SAMPLE = re.compile(r'(\w+)\{config="(\w+)",org="([\w.]+)"(?:,status="(\w+)")?\} ([\d.]+)')


@pytest.fixture
def listener():
    """A server on a free port that takes every POST: its URL, and what it was sent."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_run_notifies_of_its_start_and_end_when_configured(org, job, listener):
    """Ping: start, then the exit code with the table. Webhook: a JSON object. Command: the JSON summary's path."""
    url, got = listener
    org.set_rules({"report": "Deals by Stage", "action": "status", "code": 404})
    copied = job.directory / "copied"
    command = ["sh", "-c", f'cp "$1" {copied} && printf "%s %s" "$SFR_EXIT_CODE" "$SFR_RUN_ID" >{copied}.environ', "sh"]
    notify = {"ping": f"{url}/{TOKEN}", "webhook": f"{url}/hook/{TOKEN}", "command": command}
    job.for_org(org, *NAMES, notify=notify)

    assert job.run().code == 4

    by_path = dict(got)
    webhook = json.loads(by_path[f"/hook/{TOKEN}"])
    assert [path for path, _ in got if "hook" not in path] == [f"/{TOKEN}/start", f"/{TOKEN}/4"]
    assert by_path[f"/{TOKEN}/4"].decode().endswith("Exit code 4 (some reports failed).\n")
    assert "1 saved, 1 failed" in webhook["text"]
    assert webhook["run"] == job.summary()["run"]
    assert [failed["error"] for failed in webhook["failed"]] == ["not_found"]
    assert copied.read_bytes() == (job.output / "summary_report.json").read_bytes()
    assert copied.with_suffix(".environ").read_text() == f"4 {job.summary()['run']['id']}"
    assert TOKEN not in job.log_text()


def test_outcome_stays_when_nobody_can_be_notified(org, job):
    """A refused ping, a refused webhook and a failing command are warnings; the run ends with 0 as it did."""
    notify = {
        "ping": f"http://127.0.0.1:9/{TOKEN}",
        "webhook": f"http://127.0.0.1:9/hook/{TOKEN}",
        "command": ["sh", "-c", "exit 3"],
    }
    job.for_org(org, *NAMES, notify=notify)

    ended = job.run()

    assert ended.code == job.summary()["run"]["exit_code"] == 0
    for channel in notify:
        assert f"notify.{channel} failed" in ended.stderr
    assert TOKEN not in ended.stderr + job.log_text()


def test_metrics_name_the_configuration_and_keep_the_last_success(org, job):
    """Every sample bears the configuration's name; a failed run leaves the time of the last good one as it was, and so
    does a good one of a part of the list.
    """
    path = job.directory / "metrics" / "sfr.prom"
    job.for_org(org, *NAMES, summary=[{"format": "json"}, {"format": "prometheus", "path": str(path)}])
    samples = []
    for code, only in ((0, ()), (4, ()), (0, ("--only", NAMES[0]))):
        org.set_rules(*([{"report": "Deals by Stage", "action": "status", "code": 404}] if code else []))
        assert job.run(*only).code == code
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        found = [SAMPLE.fullmatch(line) for line in lines]
        assert all(found), lines
        assert {(match[2], match[3]) for match in found if match} == {("sfr", "127.0.0.1")}
        samples.append({(match[1], match[4]): float(match[5]) for match in found if match})
        assert path.stat().st_mode & 0o777 == 0o644

    good, bad, partial = samples
    success = ("sfr_last_success_timestamp_seconds", None)
    assert good[success] == good["sfr_last_run_timestamp_seconds", None]
    assert partial[success] == bad[success] == pytest.approx(good[success], abs=0.01)
    assert (bad["sfr_exit_code", None], bad["sfr_reports", "failed"], bad["sfr_reports", "unchanged"]) == (4, 1, 1)
    assert bad["sfr_last_run_timestamp_seconds", None] > good["sfr_last_run_timestamp_seconds", None]
    assert not list(path.parent.glob(".*"))


MAIL_PASSWORD = "Mail-Canary&<pass>wörd"


def mail_settings(server: MailServer) -> dict[str, object]:
    """`notify.email` for this server."""
    return {
        "host": "127.0.0.1",
        "port": server.used_port,
        "security": "none",
        "username": "reader",
        "password": "${MAIL_PASSWORD}",
        "from": "SFR <sfr@acme.example>",
        "to": ["ops@acme.example"],
    }


def test_workbook_comes_by_mail(org, job):
    """With subject, table and the file itself; a second, unchanged night sends nothing."""
    reports = [row("Deals by Stage", org.report("Deals by Stage").id, format="xlsx")]
    with MailServer(password=MAIL_PASSWORD) as server:
        notify = {"email": mail_settings(server) | {"when": "change", "attach": ["*.xlsx"]}}
        job.environ["MAIL_PASSWORD"] = MAIL_PASSWORD
        job.configure(org.url, {"sid": {"value": org.sid}}, reports, notify=notify)
        codes = [job.run().code for _ in range(2)]

    (message,) = server.messages
    (attached,) = message.iter_attachments()
    assert codes == [0, 0]
    assert message["Subject"] == "SFR sfr: 1 report in place"
    assert attached.get_filename() == "Deals by Stage.xlsx"
    assert attached.get_content() == (job.output / "Deals by Stage.xlsx").read_bytes()
    assert openpyxl.load_workbook(job.output / "Deals by Stage.xlsx").sheetnames == ["Deals by Stage"]
    assert job.reports()["Deals by Stage"]["status"] == "unchanged"


def test_mail_server_that_quotes_the_password_is_masked(org, job):
    """The outcome stays 0; the warning has the server's words without the secret, wherever it is looked for."""
    answer = f"552 rejected {MAIL_PASSWORD} for policy"
    with MailServer(answer=answer) as server:
        job.environ["MAIL_PASSWORD"] = MAIL_PASSWORD
        job.for_org(org, *NAMES, notify={"email": mail_settings(server)})
        ended = job.run()

    assert ended.code == job.summary()["run"]["exit_code"] == 0
    assert "notify.email failed" in ended.stderr
    assert "Canary" not in ended.stderr + ended.stdout + job.log_text()
