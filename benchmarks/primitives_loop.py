"""The floor: processes that do SFR's work on each body with its primitives alone, and nothing around them.

Run as `python primitives_loop.py URLS PROCESSES SID WORK [CA_FILE]`; URLS is a CSV of URL and file, at most 256. WORK
`read` receives and inflates; `all` also counts, hashes, writes, syncs and renames. Proves nothing, retries nothing,
keeps the footer.
"""

from __future__ import annotations

import csv
import hashlib
import os
import ssl
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sfr.body.records import RecordCounter

READ_BYTES = 64 * 1024
#: About what stays in a core's cache from one primitive to the next.
BLOCK_BYTES = 96 * 1024


def _blocks(answer: HTTPResponse) -> Iterator[bytes]:
    if answer.headers["Content-Encoding"] != "gzip":
        while block := answer.read(BLOCK_BYTES):
            yield block
        return
    inflating, received = IgzipDecompressor(flag=DECOMP_GZIP), b""
    while received or (received := answer.read(READ_BYTES)):
        yield inflating.decompress(received, BLOCK_BYTES)
        while not (inflating.eof or inflating.needs_input):
            yield inflating.decompress(b"", BLOCK_BYTES)
        received = b""
        if inflating.eof:  # another member may follow
            received, inflating = inflating.unused_data, IgzipDecompressor(flag=DECOMP_GZIP)


def _save(answer: HTTPResponse, path: str) -> None:
    digest, counter = hashlib.sha256(usedforsecurity=False), RecordCounter(b",", is_all_quoted=True)
    with open(path + ".part", "wb", buffering=0) as file:
        for block in _blocks(answer):
            digest.update(block)
            counter.feed(block)
            file.write(block)
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def _download(jobs: list[list[str]], turns: int, sid: str, work: str, ca_file: str | None = None) -> None:
    address = urlsplit(jobs[0][0])
    connection: HTTPConnection = HTTPConnection(address.netloc, timeout=60)
    if address.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        connection = HTTPSConnection(address.netloc, timeout=60, context=context)
    while turn := os.read(turns, 1):
        url, path = jobs[turn[0]]
        target = url.removeprefix(f"{address.scheme}://{address.netloc}")
        connection.request("GET", target, headers={"Cookie": f"sid={sid}", "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"status {answer.status} from {url}")
        if work == "all":
            _save(answer, path)
        else:
            for _ in _blocks(answer):
                pass


def main() -> None:
    """Processes take the next of the list as soon as they are free; an error in one ends the program with 1."""
    list_path, processes, sid, work, *ca_file = sys.argv[1:]
    with open(list_path, newline="") as listed:
        jobs = list(csv.reader(listed))
    turns, dealer = os.pipe()
    os.write(dealer, bytes(range(len(jobs))))
    pids = []
    for _ in range(int(processes)):
        pid = os.fork()
        if not pid:
            os.close(dealer)
            _download(jobs, turns, sid, work, *ca_file)
            os._exit(0)
        pids.append(pid)
    os.close(dealer)
    statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    if any(statuses):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
