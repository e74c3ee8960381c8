"""An S3 server of moto on a free port, and its bucket as another client sees it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

#: By this moto knows the service of requests that are not signed.
SIGNED_FOR_S3 = "AWS4-HMAC-SHA256 Credential=x/20261128/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"


@contextmanager
def s3_server() -> Iterator[str]:
    """Its URL. It takes every key, and unsigned requests, too."""
    logging.getLogger("werkzeug").disabled = True
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if not environ.get("HTTP_AUTHORIZATION", "").startswith("AWS4"):
            environ["HTTP_AUTHORIZATION"] = SIGNED_FOR_S3
        return moto(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Bucket:
    """The bucket `acme`, made if it is missing."""

    def __init__(self, url: str) -> None:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}
        self._client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        self._client.create_bucket(Bucket="acme")

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        self._client.put_object(Bucket="acme", Key=key, Body=content)

    def get(self, key: str) -> bytes:
        """An object's bytes."""
        content: bytes = self._client.get_object(Bucket="acme", Key=key)["Body"].read()
        return content

    def delete(self, key: str) -> None:
        """Remove an object."""
        self._client.delete_object(Bucket="acme", Key=key)

    @property
    def keys(self) -> list[str]:
        """The names of all objects."""
        return [each["Key"] for each in self._client.list_objects_v2(Bucket="acme").get("Contents", ())]

    @property
    def uploads(self) -> list[Any]:
        """Uploads in parts that have not ended."""
        return list(self._client.list_multipart_uploads(Bucket="acme").get("Uploads", ()))

    def clear(self) -> None:
        """Remove everything, also what lost connections left."""
        for key in self.keys:
            self.delete(key)
        for upload in self.uploads:
            self._client.abort_multipart_upload(Bucket="acme", Key=upload["Key"], UploadId=upload["UploadId"])
