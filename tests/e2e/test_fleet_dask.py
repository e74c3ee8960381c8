"""`sfr fleet` on a Dask cluster: a real scheduler and real workers on this machine."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from sfr.emulator import Emulator
from tests.certificates import make_authority
from tests.dask_processes import DaskProcesses
from tests.fleets import CHECKOUT, Fleet, impatient
from tests.sfr_program import still_running
from tests.small_disks import fill, mounting
from tests.tcp_relay import TcpRelay
from tests.waiting import wait_until

SLOW = "Open Pipeline"
#: What a run whose fleet has died may take after its grace of 1 s; this machine may be busy.
END_S = 2 + 3


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """A scheduler and a worker with a nanny, for all tests that leave a worker behind."""
    made = DaskProcesses(tmp_path_factory.mktemp("dask"))
    made.add_worker(threads=2, is_nanny=True)
    yield made
    made.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskProcesses]:
    """A scheduler without workers."""
    (tmp_path / "dask").mkdir()
    made = DaskProcesses(tmp_path / "dask")
    yield made
    made.close()


@pytest.fixture
def fleet(tmp_path: Path, org: Emulator) -> Iterator[Fleet]:
    """A fleet without orgs."""
    made = Fleet(tmp_path, org)
    yield made
    made.close()


def use(fleet: Fleet, address: str, **options: object) -> None:
    """Write the fleet's file: it runs on the cluster of this scheduler."""
    fleet.write(engine="dask", dask={"scheduler": address, **options})


def runs_below(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The runs of orgs below a worker or its nanny, with their own workers."""
    children = psutil.Process(process.pid).children(recursive=True)
    runs = [child for child in children if "--under-fleet" in child.cmdline()]
    return [*runs, *(each for run in runs for each in run.children(recursive=True))]


def stalled(fleet: Fleet, cluster: DaskProcesses, *names: str, running: int = 1) -> subprocess.Popen[str]:
    """Start a fleet whose orgs wait for a report that stalls, as many as run at the same time.

    On a busy machine a nanny may need longer to start a worker than a fleet waits for one.
    """
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    for name in names:
        fleet.add(name, SLOW)
    use(fleet, cluster.address)
    process = fleet.start(
        program=impatient(fleet__dask_workers__CONNECT_LIMIT_S=100, fleet__dask_check__CONNECT_LIMIT_S=60)
    )
    assert fleet.org.requests.wait_for(lambda log: len(log.records("export")) >= running, timeout_s=60)
    return process


def test_fleet_runs_on_all_workers_and_nothing_secret_passes_through_the_scheduler(fleet, cluster):
    """Names, paths, codes and totals only: no session, no environment, no row; and the terminal stays quiet."""
    fleet.org.add_records("Rows", ["A"], [["unmistakable"]])
    port = urlsplit(cluster.address).port
    with TcpRelay(port) as relay:
        cluster.address = f"tcp://127.0.0.1:{relay.port}"
        for threads in (1, 2):
            environ = {"SFDC_SID": fleet.org.sid, "OTHER": "of-the-worker"}
            cluster.wait_for(cluster.add_worker(threads=threads, environ=environ))
        for name in ("acme", "beta"):
            fleet.add(name, "Rows", salesforce={"auth": {"sid": {"value": "${SFDC_SID}"}}})
        use(fleet, cluster.address)

        code, stdout, stderr = fleet.run(environ={"NOBODYS": "of-the-fleet"})

        assert (code, stderr) == (0, "")
        assert "All 2 orgs are up to date" in stdout
        assert (fleet.out("acme") / "Rows.csv").exists()
        assert fleet.summary()["fleet"]["at_once"] == 3
        assert {row["machine"] for row in fleet.rows().values()} == {os.uname().nodename}
        passed = bytes(relay.passed)
    assert b"acme.yaml" in passed
    for text in (fleet.org.sid, "of-the-fleet", "of-the-worker", "unmistakable"):
        assert text.encode() not in passed


def test_one_stop_signal_reaches_the_orgs_on_their_workers(fleet, shared):
    """Each ends in its own grace, with its summary; those that wait are rows without a code."""
    process = stalled(fleet, shared, "a", "b", "c", running=2)
    family = runs_below(shared.workers[0])

    process.send_signal(signal.SIGTERM)
    _, stderr = fleet.end()

    assert process.returncode == 143
    assert fleet.codes() == [143, 143, None]
    assert "waiting for the 2 orgs that run" in stderr
    assert not still_running(family, END_S)


def test_runs_end_when_the_fleet_of_their_tasks_is_killed(fleet, shared):
    """The scheduler forgets the tasks of a client that is gone."""
    process = stalled(fleet, shared, "a")
    family = runs_below(shared.workers[0])

    process.kill()
    fleet.end(10)

    assert family
    assert not still_running(family, 1 + END_S)


def test_org_whose_worker_is_killed_is_tried_again_on_the_next_one(fleet, shared):
    """Its nanny starts another; the run of the killed one ends by itself."""
    process = stalled(fleet, shared, "a")
    family = runs_below(shared.workers[0])
    fleet.org.set_rules()

    family[0].parent().kill()
    _, stderr = fleet.end()

    assert process.returncode == 0, stderr
    assert (fleet.rows()["a"]["attempts"], fleet.rows()["a"]["exit_code"]) == (2, 0)
    assert "it will be tried again" in stderr
    assert "Traceback" not in stderr
    assert not still_running(family, 1 + END_S)


def test_org_whose_worker_is_silent_is_tried_again_on_another_one(fleet, cluster):
    """As when its machine is suspended: whatever the scheduler's `worker-ttl` is."""
    first = cluster.add_worker()
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    fleet.add("a", SLOW)
    use(fleet, cluster.address)
    process = fleet.start(
        program=impatient(
            fleet__dask_workers__HEARTBEAT_INTERVAL_S=0.5,
            fleet__dask_workers__WORKER_TIMEOUT_S=6,
            fleet__dask_cluster__ANSWER_LIMIT_S=2,
        )
    )
    assert fleet.org.requests.wait_for(lambda log: log.records("export"), timeout_s=60)
    fleet.org.set_rules()
    family = runs_below(first)

    psutil.Process(first.pid).suspend()
    for each in family:
        each.kill()
    cluster.add_worker()
    fleet.end()

    assert process.returncode == 0
    assert fleet.rows()["a"]["attempts"] == 2


def test_org_whose_process_is_silent_is_not_published_after_another_run_took_its_place(fleet, shared):
    """SIGSTOP beyond the lease: a run elsewhere takes the directory over, and the first one ends with 6."""
    process = stalled(fleet, shared, "a")
    family = runs_below(shared.workers[0])
    for each in family:
        each.suspend()
    fleet.org.set_rules()
    takes_over = impatient(storage__lease__SILENCE_S=1, runner__occupancy__LOOK_INTERVAL_S=0.1)
    command = [sys.executable, *takes_over, "--config", str(fleet.directory / "a.yaml"), "--under-fleet", "1"]
    with subprocess.Popen(command, cwd=fleet.directory, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as second:
        second.wait(60)
    saved = (fleet.out("a") / f"{SLOW}.csv").stat()

    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # the run, resumed before them, has ended its workers
            each.resume()
    fleet.end()

    assert second.returncode == 0
    assert process.returncode == 5
    assert fleet.codes() == [6]
    assert "what the Dask worker on" in fleet.rows()["a"]["message"]
    assert "Another run has taken" in shared.printed("worker1")
    assert (fleet.out("a") / f"{SLOW}.csv").stat() == saved


def test_full_disk_of_a_worker_fails_its_own_org_only(fleet, shared, tmp_path):
    """The others are saved; the row says where its run printed why: there is no room for its summary."""
    with mounting(tmp_path) as mount:
        fleet.add("a", output={"directory": str(mount("full"))})
        fill(tmp_path / "full")
        fleet.add("b")
        use(fleet, shared.address)
        code, _, _ = fleet.run()

    assert code == 4
    assert fleet.codes() == [5, 0]
    assert "what the Dask worker on" in fleet.rows()["a"]["message"]
    assert "No space left on device" in shared.printed("worker1")
    assert (fleet.out("b") / "Deals by Stage.csv").exists()


def test_rows_of_ended_orgs_are_kept_when_the_scheduler_is_lost(fleet, cluster):
    """The others have no code, their processes end, and nothing of Dask's own is printed."""
    worker = cluster.add_worker(threads=2)
    fleet.add("fine")
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    fleet.add("slow", SLOW)
    use(fleet, cluster.address)
    process = fleet.start(program=impatient(fleet__dask_workers__CONNECT_LIMIT_S=12))
    wait_until((fleet.output / "orgs" / "fine.json").exists)
    assert fleet.org.requests.wait_for(lambda log: len(log.records("export")) == 2, timeout_s=60)
    family = runs_below(worker)

    cluster.scheduler.kill()
    _, stderr = fleet.end()

    assert process.returncode == 4
    assert fleet.codes() == [0, None]
    assert "Traceback" not in stderr
    assert "distributed" not in stderr
    assert not still_running(family, 1 + END_S)


def test_orgs_run_over_tls_and_not_with_certificates_of_another_cluster(fleet, tmp_path):
    """Both sides show a certificate."""
    directory = tmp_path / "certificates"
    ca = make_authority(directory, "node", "client")
    other = make_authority(tmp_path / "other", "client")
    security = [
        "--tls-ca-file",
        str(ca),
        "--tls-cert",
        str(directory / "node.crt"),
        "--tls-key",
        str(directory / "node.key"),
    ]
    cluster = DaskProcesses(tmp_path, ["--protocol", "tls", *security])
    try:
        cluster.add_worker()
        fleet.add("acme")
        certificate = {"cert_file": str(directory / "client.crt"), "key_file": str(directory / "client.key")}
        use(fleet, cluster.address, ca_file=str(ca), **certificate)
        assert cluster.address.startswith("tls://")
        assert fleet.run()[0] == 0

        use(fleet, cluster.address, ca_file=str(other), **certificate)
        code, _, stderr = fleet.run()
        assert code == 2
        assert "does not fit `ca_file`" in stderr

        certificate = {name: path.replace(str(directory), str(other.parent)) for name, path in certificate.items()}
        use(fleet, cluster.address, ca_file=str(ca), **certificate)
        code, _, stderr = fleet.run(program=impatient(fleet__dask_cluster__CONNECT_LIMIT_S=2))
        assert code == 5
        assert "No Dask scheduler answers" in stderr
    finally:
        cluster.close()


def test_all_problems_of_all_machines_are_reported_before_anything_starts(fleet, shared):
    """Another version, and a secret that a worker lacks; each with its machine."""
    other = fleet.directory / "other" / "sfr"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    (other / "version.py").write_text("__version__ = '0.9'")
    worker = shared.add_worker(environ={"PYTHONPATH": str(other.parent)})
    fleet.add("acme", salesforce={"auth": {"sid": {"value": "${SFDC_SID}"}}})
    fleet.add("beta", reports={"list": str(fleet.directory / "missing.csv")})
    use(fleet, shared.address)
    try:
        shared.wait_for(worker)
        code, _, stderr = fleet.run(environ={"SFDC_SID": fleet.org.sid})
    finally:  # the next test finds the cluster as this one did
        shared.remove(worker)

    machine = os.uname().nodename
    assert code == 2
    assert f"{machine}: the Dask worker tcp://127.0.0.1" in stderr
    assert "has SFR 0.9" in stderr
    assert re.search(rf"{machine}: .*acme.yaml.*SFDC_SID", stderr)
    assert re.search(rf"{machine}: .*missing.csv", stderr)
    assert not fleet.output.exists()
    assert not fleet.org.requests.records()


def test_check_prints_the_plan_of_the_cluster(fleet, shared):
    """Checked on the workers; nothing is started."""
    fleet.add("acme")
    use(fleet, shared.address)

    code, stdout, stderr = fleet.run("--check")

    assert (code, stderr) == (0, "")
    assert "engine dask, 2 at the same time" in stdout
    assert not fleet.org.requests.records()


@pytest.mark.parametrize("what", ["nothing", "another protocol", "no worker"])
def test_fleet_without_a_cluster_ends_with_5(fleet, request, what):
    """Within the limit; its summary says why, and it prints one line."""
    addresses = {
        "nothing": lambda: "tcp://127.0.0.1:9",
        "another protocol": lambda: fleet.org.url.replace("http", "tcp"),
    }
    found = addresses.get(what, lambda: request.getfixturevalue("cluster").address)()
    fleet.add("acme")
    use(fleet, found)

    limits = {"fleet__dask_cluster__CONNECT_LIMIT_S": 1, "fleet__dask_check__CONNECT_LIMIT_S": 1}
    code, _, stderr = fleet.run(program=impatient(**limits))

    assert code == 5
    assert fleet.codes() == [None]
    message = fleet.rows()["acme"]["message"]
    assert "Dask scheduler" in message
    assert len(stderr.splitlines()) == 1


def test_other_commands_import_nothing_of_dask(fleet):
    """Nor does a fleet of another engine."""
    config = fleet.add("acme")
    fleet.write()
    code = (
        "import sys; from sfr.cli import main; codes = main(['--config', sys.argv[1]]), main(['fleet', sys.argv[2]]);"
        "dask = {'dask', 'distributed', 'tornado'};"
        "print('\\n' + ' '.join(sorted({m.split('.')[0] for m in sys.modules} & dask)), codes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config), str(fleet.directory / "fleet.yaml")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        cwd=fleet.directory,
    )

    assert done.stdout.splitlines()[-1].strip() == "(0, 0)"


def test_missing_library_and_missing_address_are_usage_errors(fleet, monkeypatch, capsys):
    """The first names the command that installs it."""
    from sfr.cli import main

    fleet.add("acme")
    fleet.write()
    monkeypatch.chdir(fleet.directory)
    assert main(["fleet", "fleet.yaml", "--engine", "dask"]) == 2
    assert "`dask.scheduler` is missing" in capsys.readouterr().err

    use(fleet, "tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["fleet", "fleet.yaml"]) == 2
    assert "pip install 'sfr[dask]'" in capsys.readouterr().err
