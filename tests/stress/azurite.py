"""`python -m tests.stress.azurite`: the destination `azure` against Microsoft's emulator (npm install azurite).

Delivers an empty, a small and a large file, replaces it, cancels an upload in its middle, uses a wrong key, and reads
everything back. Prints what was seen; ends with 1 if something was not as promised. --program names the blob server.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import socket
import subprocess
import tempfile
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from sfr.destinations import KINDS, Destination
from sfr.destinations.object_store import PART_BYTES
from sfr.errors import DeliveryError
from sfr.redaction import Secret
from tests.deliveries import attempt, proved, surroundings
from tests.waiting import wait_until

ACCOUNT, CONTAINER = "devstoreaccount1", "reports"
#: Azurite's own, public and the same everywhere.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
LARGE = bytes(range(256)) * (PART_BYTES // 256 * 5 // 2)


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.azurite", description=__doc__)
    parser.add_argument("--program", default="azurite-blob", help="default %(default)s")
    program = parser.parse_args().program
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sfr-azurite-") as directory:
        command = [program, "--blobPort", str(port), "--location", directory, "--silent", "--skipApiVersionCheck"]
        command.append("--disableTelemetry")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as azurite:
            try:
                wait_until(lambda: _answers(port))
                problems = _try(f"http://127.0.0.1:{port}/{ACCOUNT}", Path(directory))
            finally:
                azurite.terminate()
    print("\n".join(problems) or "Everything was as promised.")
    return 1 if problems else 0


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _destination(endpoint: str, key: str = KEY) -> Destination:
    settings = {"account": ACCOUNT, "container": CONTAINER, "prefix": "sales/{run_date}", "endpoint": endpoint}
    made = KINDS["azure"].settings(**settings, access_key=Secret(key))
    return KINDS["azure"].make(made, surroundings())


def _try(endpoint: str, directory: Path) -> list[str]:
    """What was not as promised."""
    problems = []
    _request(endpoint, "PUT", f"/{CONTAINER}", {"restype": "container"})
    blob = f"/{CONTAINER}/sales/2026-11-28/Gr%C3%B6%C3%9Fe%20%231.csv"
    destination = _destination(endpoint)
    destination.check()
    destination.probe()
    for content in (b"", b"a,b\n", LARGE, b"last"):
        destination.deliver(proved(directory, content, name="Größe #1"), attempt())
        found = _request(endpoint, "GET", blob)
        print(f"delivered {len(content):,} bytes, read {len(found):,} back")
        if found != content:
            problems.append(f"{len(content):,} bytes came back as {len(found):,} others")
    one = attempt()
    one.cancel(DeliveryError("stopped"))
    problems += _must_fail("a cancelled upload", destination, one, directory, "stopped")
    if _request(endpoint, "GET", blob) != b"last":
        problems.append("a cancelled upload changed the blob")
    try:
        _destination(endpoint, base64.b64encode(b"wrong").decode()).check()
        problems.append("`check` passes with a wrong key")
    except DeliveryError as error:
        print(f"check with a wrong key: {error.message}")
    wrong = _destination(endpoint, base64.b64encode(b"wrong").decode())
    problems += _must_fail("a wrong key", wrong, attempt(), directory, "AuthorizationFailure")
    if "sfr-probe" in _request(endpoint, "GET", f"/{CONTAINER}", {"comp": "list", "restype": "container"}).decode():
        problems.append("the probe is still there")
    return problems


def _must_fail(what: str, destination: Destination, one: object, directory: Path, said: str) -> list[str]:
    try:
        destination.deliver(proved(directory, LARGE, name="Größe #1"), one)  # type: ignore[arg-type]
    except DeliveryError as error:
        print(f"{what}: {error.message} (transient {error.is_transient}, unreachable {error.is_unreachable})")
        return [] if said in error.message else [f"{what}: the message does not say {said}"]
    return [f"{what} did not fail"]


def _request(endpoint: str, method: str, path: str, query: dict[str, str] | None = None) -> bytes:
    """A request as another client makes it, signed with the account's key."""
    query = query or {}
    headers = {"x-ms-date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT", "x-ms-version": "2021-12-02"}
    resource = f"/{ACCOUNT}/{ACCOUNT}{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
    text = "\n".join([method, *[""] * 11, *(f"{name}:{value}" for name, value in sorted(headers.items())), resource])
    signature = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{signature}"
    url = endpoint + path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
    request = urllib.request.Request(url, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as response:
        content: bytes = response.read()
    return content


if __name__ == "__main__":
    raise SystemExit(main())
