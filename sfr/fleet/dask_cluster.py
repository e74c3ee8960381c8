"""A connection to a Dask scheduler and its workers. Every wait is bounded; errors are those of this module."""

from __future__ import annotations

import asyncio
import logging
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sfr.errors import SchedulerError, UsageError
from sfr.escaping.invisible import escape_invisible
from sfr.fleet.settings import Dask
from sfr.options.urls import is_loopback

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger(__name__)

#: Longest wait for the scheduler's answer, for a first worker, and for a scheduler that was lost.
CONNECT_LIMIT_S = 30.0
ANSWER_LIMIT_S = 10.0
CLOSE_LIMIT_S = 5.0
#: Dask's client stops first, since it knows the reason.
_CLIENT_SHARE = 0.9
_DEFAULT_PORT = 8786
_LOUD = ("distributed", "tornado", "asyncio", "bokeh")


class Cluster:
    """The connection; used within one event loop."""

    def __init__(self, client: Client, *, is_plain: bool) -> None:
        self._client = client
        self._is_plain = is_plain

    async def workers(self) -> dict[str, int]:
        """Address → number of threads of each worker that the scheduler knows. Raises OSError.

        Raises UsageError if one of another machine would be reached without encryption.
        """
        found: dict[str, int] = await _bounded(self._client.nthreads(), ANSWER_LIMIT_S)
        if self._is_plain:
            _check_own(list(found))
        return found

    async def call(self, address: str, function: Callable[..., Any], *arguments: object, **options: object) -> Any:
        """Run a short function in the worker, beside its tasks, and return its result. Raises OSError if it is gone."""
        call = self._client.run(function, *arguments, workers=[address], on_error="return", **options)
        answers = await _bounded(call, ANSWER_LIMIT_S)
        answer = answers.get(address, OSError("it has gone"))
        if isinstance(answer, Exception):
            raise OSError(_text(answer)) from answer
        return answer

    def submit(self, address: str, key: str, function: Callable[..., Any], *arguments: object, priority: int) -> Future:
        """Submit a task to the worker; no other worker gets it while this one lives."""
        return self._client.submit(
            function,
            *arguments,
            key=key,
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
            priority=priority,
        )

    async def cancel(self, future: Future) -> None:
        """Cancel a task; what already runs ends by itself."""
        with suppress(OSError):
            await _bounded(self._client.cancel([future], force=True), CLOSE_LIMIT_S)


@asynccontextmanager
async def connected(dask: Dask, *, is_first: bool = False) -> AsyncIterator[Cluster]:
    """A connection to the scheduler. Raises UsageError and SchedulerError. is_first: whether to warn of versions."""
    assert dask.scheduler is not None  # noqa: S101 - see `open_engine`
    parts = urlsplit(dask.scheduler)
    address = dask.scheduler if parts.port is not None else f"{dask.scheduler.rstrip('/')}:{_DEFAULT_PORT}"
    client = await _connect(address, dask, is_first=is_first)
    try:
        yield Cluster(client, is_plain=parts.scheme == "tcp")
    finally:
        with suppress(OSError):
            await _bounded(client.close(), CLOSE_LIMIT_S)


async def _connect(address: str, dask: Dask, *, is_first: bool) -> Client:
    from distributed import Client

    _silence()
    security = _security(dask, is_encrypted=address.startswith("tls://"))
    try:
        # Versions that differ are a warning of Dask's; see `_warn`.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            client = Client(
                address,
                security=security,
                timeout=_CLIENT_SHARE * CONNECT_LIMIT_S,
                asynchronous=True,
                set_as_default=False,
                name="sfr-fleet",
            )
            try:
                await asyncio.wait_for(client, CONNECT_LIMIT_S)
            except BaseException:
                with suppress(OSError):
                    await _bounded(client.close(), CLOSE_LIMIT_S)
                raise
    except Exception as error:  # what answers there may not be a scheduler: Dask then raises any kind of error
        if (found := _certificate_error(error)) is not None:
            raise UsageError(
                f"dask: the certificate of {address} does not fit `ca_file`, or has expired ({found})"
            ) from error
        raise SchedulerError(_no_scheduler(address, error)) from error
    if is_first:
        _warn([str(each.message) for each in caught if "Mismatched versions" in str(each.message)])
    return client


def _security(dask: Dask, *, is_encrypted: bool) -> Any:
    from distributed import Security

    security = Security(
        tls_ca_file=dask.ca_file,
        tls_client_cert=dask.cert_file,
        tls_client_key=dask.key_file,
        require_encryption=is_encrypted,
    )
    _check_certificates(dask)
    try:
        security.get_connection_args("client")
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"dask: the certificates or the key cannot be used ({_text(error)})") from error
    return security


def _check_certificates(dask: Dask) -> None:
    """Raises UsageError that names the option: Dask's own errors do not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    option, expected = "ca_file", "a certificate authority (PEM)"
    try:
        if dask.ca_file is not None:
            context.load_verify_locations(dask.ca_file)
        option, expected = "key_file", "a private key (PEM)"
        if dask.key_file is not None and b"ENCRYPTED" in Path(dask.key_file).read_bytes():
            raise UsageError("dask.key_file: expected a key without passphrase; nobody is there to type it in")
        option, expected = "cert_file, dask.key_file", "a certificate and its private key (PEM)"
        if dask.cert_file is not None:
            context.load_cert_chain(dask.cert_file, dask.key_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"dask.{option}: expected {expected}; found something else ({_text(error)})") from error


def _no_scheduler(address: str, error: BaseException) -> str:
    chain = list(_chain(error))
    # Dask's own errors say less than what the operating system or TLS has said.
    causes = [each for each in chain if isinstance(each, OSError) and each.errno is not None]
    reason = f" ({_text((causes or chain[:1])[-1])})"
    if any(isinstance(each, TimeoutError) or "Timed out" in str(each) for each in chain):
        found = f" within {CONNECT_LIMIT_S:.0f} s{reason if causes else ''}"
    else:
        found = reason if isinstance(error, OSError) else f", but something else{reason}"
    return f"No Dask scheduler answers at {address}{found}. Start it, or correct `dask.scheduler` and the certificates."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _certificate_error(error: BaseException) -> str | None:
    found = (each for each in _chain(error) if isinstance(each, ssl.SSLCertVerificationError))
    return next(map(_text, found), None)


def _check_own(addresses: list[str]) -> None:
    hosts = {address: urlsplit(address).hostname or "" for address in addresses}
    others = [address for address, host in hosts.items() if not is_loopback(host) and host not in _own_addresses()]
    if others:
        raise UsageError(
            f"dask: the worker {others[0]} would be reached without encryption; expected `tls://` for workers of other "
            "machines"
        )


def _own_addresses() -> set[str]:
    import psutil

    return {each.address.partition("%")[0] for found in psutil.net_if_addrs().values() for each in found}


def _silence() -> None:
    """Dask's and Tornado's own logs say in many lines what SFR says in one."""
    for name in [*_LOUD, *logging.root.manager.loggerDict]:
        if name.split(".")[0] in _LOUD:
            logger = logging.getLogger(name)
            logger.handlers = [logging.NullHandler()]
            logger.propagate = False


def _warn(texts: list[str]) -> None:
    """Dask's table of versions as one line."""
    for text in texts:
        rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if "|" in line]
        names, *found = rows or [[""]]
        shown = "; ".join(
            f"{row[0]}: " + ", ".join(f"{name} {cell}" for name, cell in zip(names[1:], row[1:], strict=False))
            for row in found
        )
        log.warning("The machines of the Dask cluster have different versions (%s); use the same on all.", shown)


async def _bounded(awaitable: Any, limit_s: float) -> Any:
    """Raises OSError if it fails or takes too long."""
    try:
        return await asyncio.wait_for(awaitable, limit_s)
    except TimeoutError as error:
        raise OSError(f"no answer within {limit_s:.0f} s") from error
    except OSError:
        raise
    except Exception as error:  # Dask passes on what the other side raised
        raise OSError(_text(error)) from error


def _text(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return escape_invisible(text[:300])
