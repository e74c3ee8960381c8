"""A stand-in for Azure Blob Storage that keeps blobs in memory; Azurite itself is in tests/stress/azurite.py."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_LISTED = b"<?xml version='1.0'?><EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>"
_DELETED = re.compile(rb"DELETE (\S+) HTTP")
_BLOCK = re.compile(rb"<(?:Uncommitted|Latest)>([^<]+)<")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Of the server: by path, and by block id.
    blobs: dict[str, bytes]
    blocks: dict[bytes, bytes]

    def _split(self) -> tuple[str, dict[str, list[str]], bytes]:
        parts = urlsplit(self.path)
        path = unquote(parts.path).removeprefix("/acme/")
        return path, parse_qs(parts.query), self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"", size_bytes: int | None = None, kind: str = "text/xml") -> None:
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 04:00:00 GMT")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if size_bytes is None else size_bytes))
        self.end_headers()
        self.wfile.write(body)

    def _put(self) -> None:
        path, query, body = self._split()
        if query.get("comp") == ["block"]:
            self.blocks[query["blockid"][0].encode()] = body
        elif query.get("comp") == ["blocklist"]:
            self.blobs[path] = b"".join(self.blocks[name] for name in _BLOCK.findall(body))
        else:
            self.blobs[path] = body
        self._answer(201)

    def _head(self) -> None:
        content = self.blobs.get(self._split()[0])
        self._answer(404 if content is None else 200, size_bytes=len(content or b""))

    def _get(self) -> None:
        self._split()
        self._answer(200, _LISTED)

    def _post(self) -> None:
        """A batch of deletions."""
        _, _, body = self._split()
        answer = b""
        for number, path in enumerate(_DELETED.findall(body)):
            found = self.blobs.pop(unquote(path.decode()).removeprefix("/acme/"), None)
            status = b"202 Accepted" if found is not None else b"404 Not Found"
            answer += b"--b\r\nContent-Type: application/http\r\nContent-ID: %d\r\n\r\nHTTP/1.1 %s\r\n\r\n" % (
                number,
                status,
            )
        self._answer(202, answer + b"--b--\r\n", kind="multipart/mixed; boundary=b")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


for _method in ("put", "head", "get", "post"):
    setattr(_Handler, f"do_{_method.upper()}", getattr(_Handler, f"_{_method}"))


@contextmanager
def azure_server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Its endpoint, with the account, and its blobs by path: `reports/Open Pipeline.csv`. It takes every key."""
    blobs: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"blobs": blobs, "blocks": {}}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/acme", blobs
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


#: Of the account `acme`: any will do.
ACCESS_KEY = base64.b64encode(b"any key").decode()
