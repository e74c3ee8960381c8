"""A server that waits before it answers, for each report as long as configured; in place of an org.

Run as `python -m benchmarks.thinking_server DELAYS`, where DELAYS is a JSON file of report id → seconds; prints its
port and serves until it is ended.
"""

from __future__ import annotations

import http.server
import json
import sys
import time
from pathlib import Path

from benchmarks import export_text
from benchmarks.shapes import OPPORTUNITIES

ROWS = (
    export_text.header(OPPORTUNITIES)
    + b'"0065g0000000001AAA","A","B","C","1.00","EUR","20","1/1/2026","1/1/2025","D","E","F","G"\n'
)


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    delays_s: dict[str, float]

    def do_GET(self) -> None:
        report_id = self.path.split("?")[0].strip("/")
        delay_s = self.delays_s.get(report_id)
        if delay_s is None:
            self._answer(b"{}", "application/json")
        else:
            time.sleep(delay_s)
            self._answer(ROWS + export_text.FOOTER, "text/csv; charset=UTF-8")

    def _answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Disposition", 'attachment; filename="report1768460520000.csv"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve on a free loopback port."""
    _Answers.delays_s = json.loads(Path(sys.argv[1]).read_text())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
