"""Runs nginx on a free loopback port in the place of an org: one report set, the session check and a log-in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.certificate import make_certificate
from benchmarks.report_sets import ReportSet

API_VERSION = "64.0"
SESSION_ID = "00D5g0000000001!benchmarks.are.not.secret"
_START_S = 10.0
_STARTS = 5

_CONFIGURATION = """\
daemon off;
pid {directory}/nginx.pid;
worker_processes 2;
error_log stderr crit;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    types {{ }}
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port}{ssl};
{certificate}
        location / {{
            root {root};
            gzip_static {gzip_static};
            default_type "text/csv; charset=UTF-8";
            add_header Content-Disposition 'attachment; filename="report1768460520000.csv"';
        }}
        location = /services/data/ {{ default_type application/json; return 200 '{versions}'; }}
        location = /services/data/v{version}/limits {{ default_type application/json; return 200 '{limits}'; }}
        location = /services/oauth2/token {{ default_type application/json; return 200 '{token}'; }}
    }}
}}
"""


def nginx_program() -> str | None:
    """The path of nginx, or None; Debian installs it where only root looks."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the reports are."""

    url: str
    #: What to trust; None without TLS.
    ca_file: Path | None = None


@contextmanager
def serving(reports: ReportSet, encoding: str, *, tls: bool = False) -> Iterator[Site]:
    """Serve the set's `identity` or `gzip` bodies; ends nginx at the end."""
    program = nginx_program()
    if program is None:
        raise SystemExit("bench: nginx is not installed; on Debian: apt-get install nginx-light")
    with tempfile.TemporaryDirectory(prefix="sfr-bench-nginx-") as directory:
        pair = make_certificate(Path(directory)) if tls else None
        server, port = _started(program, Path(directory), reports.directory / encoding, pair)
        try:
            yield Site(f"https://127.0.0.1:{port}", pair[0]) if pair else Site(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait()


def _started(
    program: str, directory: Path, root: Path, pair: tuple[Path, Path] | None
) -> tuple[subprocess.Popen[bytes], int]:
    """Another program may take the free port before nginx does: then another port is tried."""
    for _ in range(_STARTS):
        port = _free_port()
        configuration = directory / "nginx.conf"
        configuration.write_text(_configuration(directory, root, port, pair))
        server = subprocess.Popen(
            [program, "-p", str(directory), "-c", str(configuration), "-e", "stderr"], stdin=subprocess.DEVNULL
        )
        if _answers(server, port):
            return server, port
    raise SystemExit(f"bench: nginx did not start in {_STARTS} tries; its reasons are above.")


def _configuration(directory: Path, root: Path, port: int, pair: tuple[Path, Path] | None) -> str:
    url = f"{'https' if pair else 'http'}://127.0.0.1:{port}"
    certificate = f"ssl_certificate {pair[0]}; ssl_certificate_key {pair[1]};" if pair else ""
    return _CONFIGURATION.format(
        directory=directory,
        user="user root;" if os.geteuid() == 0 else "",
        port=port,
        ssl=" ssl" if pair else "",
        certificate=certificate,
        root=root,
        gzip_static="always" if root.name == "gzip" else "off",
        version=API_VERSION,
        versions=json.dumps(
            [{"label": "Spring '26", "url": f"/services/data/v{API_VERSION}", "version": API_VERSION}]
        ).replace("'", ""),
        limits=json.dumps({"DailyApiRequests": {"Max": 15000, "Remaining": 14000}}),
        token=json.dumps({"access_token": SESSION_ID, "instance_url": url, "id": f"{url}/id", "token_type": "Bearer"}),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    give_up = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return True
    server.kill()
    server.wait()
    return False
