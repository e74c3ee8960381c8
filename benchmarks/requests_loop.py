"""What a short script does: threads, one requests session each, the body in memory, the footer cut, the file written.

Run as `python requests_loop.py URLS THREADS SID DURABLE`; URLS is a CSV of URL and file. With DURABLE 1 each file is
written under another name, synced and renamed. Checks nothing, retries nothing.
"""

from __future__ import annotations

import csv
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

_of_thread = threading.local()


def _download(url: str, path: str, sid: str, *, is_durable: bool) -> None:
    if not hasattr(_of_thread, "session"):
        _of_thread.session = requests.Session()
    answer = _of_thread.session.get(url, headers={"Cookie": f"sid={sid}"}, timeout=60)
    answer.raise_for_status()
    body = answer.content
    data = body[: body.rindex(b"\n\n\n") + 1]
    if not is_durable:
        Path(path).write_bytes(data)
        return
    with open(path + ".part", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def main() -> None:
    """Download everything; the first error ends the program."""
    list_path, threads, sid, durable = sys.argv[1:]
    with open(list_path, newline="") as listed:
        jobs = list(csv.reader(listed))
    with ThreadPoolExecutor(int(threads)) as pool:
        for done in [pool.submit(_download, url, path, sid, is_durable=durable == "1") for url, path in jobs]:
            done.result()


if __name__ == "__main__":
    main()
