"""The HTML summary in a real browser: nothing overflows, nothing is loaded."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sfr.fleet.page import html_blocks
from sfr.fleet.values import FleetResult, OrgResult, Totals
from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.html import render

#: Shows the page in a frame of the given width, and writes down what sticks out of it.
MEASURE = """<!DOCTYPE html><link rel="icon" href="data:,"><body><script>
const frame = document.createElement('iframe');
frame.style.cssText = 'border:0;height:600px;width:WIDTHpx';
frame.onload = () => {
  const page = frame.contentDocument, width = page.documentElement.clientWidth;
  const wide = [...page.body.querySelectorAll('*')].filter(each => !each.closest('svg') || each.tagName == 'svg')
    .filter(each => each.getBoundingClientRect().right > width + 1 && getComputedStyle(each).position != 'absolute')
    .filter(each => !each.closest('thead, .who > *'));
  document.body.innerHTML = '<pre>' + JSON.stringify({width, scroll: page.documentElement.scrollWidth,
    wide: wide.map(each => each.outerHTML.slice(0, 80)), font: getComputedStyle(page.body).fontSize,
    ground: getComputedStyle(page.body).backgroundColor}).replace(/</g, '&lt;') + '</pre>';
};
frame.src = '/summary.html';
document.body.append(frame);
</script>"""


def browser() -> str:
    """The browser's path; without one the test is skipped here and fails in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI"):
        pytest.fail("there is no chromium to look at the HTML summary with")
    pytest.skip("there is no chromium")


class Site:
    """Serves the summary and the measuring page, and records the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                page = site.pages.get(self.path)
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site on a free port."""
    found = Site()
    yield found
    found.close()


def fleet_page() -> bytes:
    """The page of a fleet of 200 orgs, some with long names, some without a result."""
    now = datetime.now().astimezone()
    totals = Totals(17, 2, 0, 1, 4_123_456, 12 * 2**30)
    orgs = [
        OrgResult(
            f"{'contoso-europe-middle-east-and-africa' if number % 3 else 'acme'}-{number}",
            None if number % 20 == 0 else 4 if number % 7 == 0 else 0,
            totals if number % 20 else None,
            4000.0 * (number % 2) + 1,
            1 + number % 2,
            "a-node-with-a-long-name.cluster.example",
            f"/var/lib/sfr/{number}/output/summary_report.html" if number % 20 else "",
            message="" if number % 20 else f"The process was ended by a signal or lost. {'x' * 80} `y`",
        )
        for number in range(200)
    ]
    return b"".join(html_blocks(FleetResult("nightly", "id", now, now, 8000.0, 4, "1", "local", 4, orgs)))


@pytest.mark.parametrize(
    ("width", "kind"),
    [(320, "run"), (390, "run"), (768, "run"), (1280, "run"), (390, "fleet"), (1280, "fleet")],
)
@pytest.mark.timeout(180)
def test_page_fits_when_the_window_is_narrow_or_wide(
    width: int, kind: str, site: Site, run: RunStats, background: Background, tmp_path: Path
) -> None:
    """No element sticks out at the width of a phone, a tablet or a desk; the style sheet applies; nothing is loaded."""
    site.pages = {
        "/summary.html": fleet_page() if kind == "fleet" else b"".join(render(run, None, background)),
        "/measure.html": MEASURE.replace("WIDTH", str(width)).encode(),
    }
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--virtual-time-budget=10000",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1400,900",
        "--dump-dom",
        f"http://127.0.0.1:{site.server.server_port}/measure.html",
    ]
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=True).stdout
    found = re.search(r"<pre>(.*?)</pre>", shown.decode(), re.DOTALL)
    assert found, shown[:500]
    measured = json.loads(html.unescape(found[1]))

    assert measured["wide"] == []
    assert measured["scroll"] <= measured["width"] == width
    assert measured["font"] == "16px"
    assert measured["ground"] != "rgba(0, 0, 0, 0)"
    assert sorted(set(site.asked)) == ["/measure.html", "/summary.html"]
