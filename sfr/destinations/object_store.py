"""Object stores (S3, Google Cloud Storage, Azure Blob Storage) by obstore: whole objects, never a part of one.

Each store shows an object only after its upload has ended, so nothing needs a temporary name. Uploads that were cut may
leave parts that no one sees: a lifecycle rule of the bucket removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sfr.destinations.base import (
    Attempt,
    Delivered,
    Destination,
    Item,
    ProvedFile,
    Surroundings,
    proved_blocks,
    removing_probe,
)
from sfr.destinations.object_store_errors import explained, is_missing, is_refused
from sfr.errors import DeliveryError
from sfr.wording import how_to_install

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: Larger files are uploaded in parts of this size, the minimum of S3.
PART_BYTES = 5 * 1024 * 1024
#: Maximum number of parts; S3 accepts 10,000.
MAX_PARTS = 9_000
#: Parts in flight: more cost memory, 5 MB each, and gain little.
CONCURRENCY = 2
#: Within an attempt; `deliveries.attempts` counts attempts.
RETRIES = 2
#: The same in every store.
MAX_KEY_BYTES = 1024

#: Makes the store, given the options of its HTTP client and of retries.
MakeStore = Callable[[dict[str, Any], dict[str, Any]], "ObjectStore"]


def missing_extra(kind: str) -> str | None:
    """What to install, if obstore is missing."""
    from importlib.util import find_spec

    if find_spec("obstore") is None:
        return f"The destination `{kind}` needs the package obstore: {how_to_install('cloud')}"
    return None


class ObjectStoreDestination(Destination):
    """See the module.

    place: the bucket for messages and targets, such as `s3://acme`; no credentials. endpoint: URL of another server
    than the provider's; `http://` is allowed there only.
    """

    libraries = ("obstore", "obstore.store", "obstore.exceptions")

    def __init__(
        self, make_store: MakeStore, place: str, prefix: str, endpoint: str | None, surroundings: Surroundings
    ) -> None:
        self._make_store, self._place, self._prefix = make_store, place, prefix
        self._endpoint, self._surroundings = endpoint, surroundings

    def check(self) -> None:
        """List one object under the prefix. A refusal to list is no failure: uploads need no such permission."""
        import obstore

        with explained(f"{self._place} cannot be used"):
            try:
                next(iter(obstore.list(self._store(), prefix=self._fixed_prefix(), chunk_size=1)), None)
            except Exception as error:
                if not is_refused(error):
                    raise

    def probe(self) -> None:
        """Upload an object of a few bytes, look it up, and delete it."""
        import obstore

        from sfr.storage.trusted import random_part

        key = "/".join(filter(None, (self._fixed_prefix(), f".sfr-probe-{random_part()}")))
        store = self._store()
        with explained(f"{self._place} does not take an object"):
            obstore.put(store, key, b"SFR", use_multipart=False)
        size_bytes = self._size_of(store, key)
        what = f"SFR cannot delete {self._place}/{key}, which it made to see whether it can; delete it yourself"
        with removing_probe(), explained(what):
            obstore.delete(store, key)
        if size_bytes is None:
            raise DeliveryError(f"{self._place} has no {key} directly after SFR had uploaded it.")

    def target(self, item: Item) -> str:
        """`s3://acme/sales/Open%20Pipeline.csv`."""
        return f"{self._place}/{quote(self._key(item))}"

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """Upload the file, and compare the size that the store then has."""
        import obstore

        key, store = self._key(file.item), self._store()
        blocks = _confirmed(proved_blocks(file, attempt), attempt)
        with explained(f"{self._place} did not take {key}"):
            if file.size_bytes <= PART_BYTES:
                obstore.put(store, key, b"".join(blocks), use_multipart=False)
            else:
                part_bytes = max(PART_BYTES, file.size_bytes // MAX_PARTS + 1)
                obstore.put(store, key, blocks, chunk_size=part_bytes, max_concurrency=CONCURRENCY)
        attempt.check()
        size_bytes = self._size_of(store, key)
        if size_bytes != file.size_bytes:
            found = "nothing" if size_bytes is None else f"{size_bytes:,} bytes"
            raise DeliveryError(
                f"After the upload of {file.size_bytes:,} bytes {self._place} has {found} at {key}; another program "
                "may write there.",
                is_transient=True,
            )
        return Delivered()

    def _size_of(self, store: ObjectStore, key: str) -> int | None:
        """The object's size as the store has it; None if it has no such object."""
        import obstore

        with explained(f"{self._place} took {key}, but SFR cannot read its size"):
            try:
                return obstore.head(store, key)["size"]
            except Exception as error:
                if is_missing(error):
                    return None
                raise

    def _store(self) -> ObjectStore:
        """A new one for each use, so that credentials are read again. Its waits are bounded."""
        limits = self._surroundings
        client: dict[str, Any] = {
            "connect_timeout": timedelta(seconds=limits.connect_timeout_s),
            "timeout": timedelta(seconds=limits.idle_timeout_s),
            "user_agent": "sfr",
        }
        if self._endpoint is not None:
            client["allow_http"] = self._endpoint.startswith("http://")
        backoff = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=2), "base": 2}
        retry_timeout = timedelta(seconds=min(limits.idle_timeout_s, 30.0))
        retries = {"max_retries": RETRIES, "retry_timeout": retry_timeout, "backoff": backoff}
        with explained(f"{self._place} cannot be used"):
            return self._make_store(client, retries)

    def _key(self, item: Item) -> str:
        prefix = self._surroundings.fill_dates(self._prefix, item.at).strip("/")
        key = f"{prefix}/{item.file_name}" if prefix else item.file_name
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise ValueError("`prefix` has an empty part, `.` or `..`; expected names separated by single slashes")
        if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
            raise ValueError(f"the object's name is longer than the {MAX_KEY_BYTES:,} bytes that stores take")
        return key

    def _fixed_prefix(self) -> str:
        """The directories of the prefix before its first date."""
        fixed, has_dates, _ = self._prefix.partition("{")
        return (fixed.rpartition("/")[0] if has_dates else fixed).strip("/")


def _confirmed(blocks: Iterator[bytes], attempt: Attempt) -> Iterator[bytes]:
    """The blocks; after the last one, with which the object becomes visible, whether it may be published."""
    yield from blocks
    attempt.confirm()
