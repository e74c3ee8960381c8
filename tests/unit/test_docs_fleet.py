"""docs/fleet.md, "A cluster of three machines": its commands do what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.fleet.loading import load_fleet

PROJECT = Path(__file__).resolve().parents[2]
SECTION = re.split(r"^## ", (PROJECT / "docs" / "fleet.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
(CLUSTER,) = (text for text in SECTION if text.startswith("A cluster of three machines"))
SHELL = re.findall(r"^```sh\n(.*?)^```$", CLUSTER, re.MULTILINE | re.DOTALL)
(YAML,) = re.findall(r"^```yaml\n(.*?)^```$", CLUSTER, re.MULTILINE | re.DOTALL)
(CERTIFICATES,) = (block for block in SHELL if "openssl" in block)
MACHINES = ("one", "two", "three")


def make_certificates(directory: Path) -> Path:
    """Run the documented commands there."""
    subprocess.run(
        ["sh", "-eu"], input=CERTIFICATES, text=True, cwd=directory, check=True, capture_output=True, timeout=60
    )
    return directory / "sfr-cluster"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates by the documented commands."""
    if shutil.which("openssl") is None:
        message = "openssl is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return make_certificates(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def other_cluster(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of another authority of the same name."""
    del cluster  # skips without openssl
    return make_certificates(tmp_path_factory.mktemp("other"))


def context(purpose: ssl.Purpose, cluster: Path, machine: str | None, identity: Path | None = None) -> ssl.SSLContext:
    """As Dask makes it, but as strict as Python can be."""
    made = ssl.create_default_context(purpose, cafile=cluster / "ca.pem")
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    if machine is not None:
        made.load_cert_chain((identity or cluster) / f"{machine}.pem", (identity or cluster) / f"{machine}.key")
    return made


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    """What the client reads of the server's greeting after a handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = server.wrap_bio(to_server, to_client, server_side=True)
    two = client.wrap_bio(to_client, to_server)
    pending = [two, one]
    for _ in range(10):
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                continue
    one.write(b"welcome")
    return two.read()


def options() -> Iterator[tuple[str, list[str]]]:
    """The words after `-m dask scheduler` and `-m dask worker`, in document and units."""
    units = "\n".join(path.read_text() for path in sorted((PROJECT / "deploy" / "dask").glob("*.service")))
    for text in (*SHELL, units):
        for line in text.replace("\\\n", " ").splitlines():
            if match := re.search(r"-m dask (scheduler|worker) (.*)", line):
                yield match[1], shlex.split(match[2].replace("${SCHEDULER}", "tls://one:8786"))


def test_documented_commands_make_a_key_for_each_machine(cluster: Path) -> None:
    """Keys are readable by their owner only, and no two are the same."""
    keys = [cluster / f"{name}.key" for name in ("ca", *MACHINES)]

    assert {0o600} == {stat.S_IMODE(key.stat().st_mode) for key in keys}
    assert len({key.read_bytes() for key in keys}) == 4


@pytest.mark.parametrize("machine", MACHINES)
def test_machines_accept_each_other_with_documented_certificates(cluster: Path, machine: str) -> None:
    """Each as server and as client, under the strictest rules of X.509."""
    server = context(ssl.Purpose.CLIENT_AUTH, cluster, machine)
    client = context(ssl.Purpose.SERVER_AUTH, cluster, MACHINES[0])

    assert shake_hands(server, client) == b"welcome"


@pytest.mark.parametrize("side", ["server", "client"])
def test_certificate_of_another_authority_is_refused(cluster: Path, other_cluster: Path, side: str) -> None:
    """Even of one with the same name, on either side."""
    identities = {"server": cluster, "client": cluster, side: other_cluster}
    server = context(ssl.Purpose.CLIENT_AUTH, cluster, "one", identities["server"])
    client = context(ssl.Purpose.SERVER_AUTH, cluster, "two", identities["client"])

    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        shake_hands(server, client)


def test_client_without_a_certificate_is_refused(cluster: Path) -> None:
    """TLS is mutual."""
    server = context(ssl.Purpose.CLIENT_AUTH, cluster, "one")
    client = context(ssl.Purpose.SERVER_AUTH, cluster, None)

    with pytest.raises(ssl.SSLError, match="peer did not return a certificate"):
        shake_hands(server, client)


def test_documented_fleet_file_is_valid(cluster: Path, tmp_path: Path) -> None:
    """With the documented files in their places."""
    (tmp_path / "orgs").mkdir()
    (tmp_path / "orgs" / "acme.yaml").touch()
    (tmp_path / "dask").mkdir()
    for made, placed in (("ca.pem", "ca.pem"), ("one.pem", "machine.pem"), ("one.key", "machine.key")):
        shutil.copy(cluster / made, tmp_path / "dask" / placed)
    file = tmp_path / "fleet.yaml"
    file.write_text(YAML.replace("/etc/sfr", str(tmp_path)))

    loaded = load_fleet(str(file), {})

    assert loaded.settings.engine == "dask"
    assert loaded.settings.dask.scheduler == "tls://one:8786"
    assert [org.name for org in loaded.orgs] == ["acme"]


def test_documented_commands_name_files_that_exist() -> None:
    """Services, timers and the installer."""
    named = {word for block in SHELL for word in re.findall(r"\bdeploy/[\w./-]+", block)}

    assert len(named) == 6
    assert [path for path in sorted(named) if not (PROJECT / path).exists()] == []


def test_scheduler_and_worker_have_the_documented_options() -> None:
    """Dask's own parser takes the commands of the document and of the services."""
    pytest.importorskip("distributed")
    from distributed.cli import dask_scheduler, dask_worker

    programs = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    found = list(options())

    for program, words in found:
        existing = [str(PROJECT / "setup.cfg") if re.search(r"\.(pem|key)$", word) else word for word in words]
        existing = [word.replace("${ORGS_AT_ONCE}", "4") for word in existing]
        programs[program].make_context(program, existing)
    assert sorted(program for program, _ in found) == ["scheduler", "scheduler", "worker", "worker"]
