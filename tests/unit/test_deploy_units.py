"""deploy/: the systemd units, what they say in a failure, and the examples."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sfr.config.load import load_config
from sfr.errors import ErrorKind, ExitCode

PROJECT = Path(__file__).resolve().parents[2]
UNITS = {path.name: path for name in ("systemd", "dask") for path in (PROJECT / "deploy" / name).glob("*.[st]*")}
EXAMPLES = PROJECT / "deploy" / "examples"
OPERATIONS = PROJECT / "docs" / "operations.md"
DASK_SERVICES = ("sfr-dask-scheduler.service", "sfr-dask-worker.service", "sfr-fleet.service")
SERVICES = ("sfr@.service", "sfr-notify@.service", *DASK_SERVICES)
TIMERS = ("sfr@.timer", "sfr-fleet.timer")
#: docs/fleet.md: an org that does not end within its grace and this is killed.
FLEET_KILLS_AFTER_S = 90
SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}


def need(tool: str) -> str:
    """The tool's path; without it the test is skipped, but fails in CI."""
    path = shutil.which(tool)
    if path is None:
        message = f"{tool} is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


def settings(unit: str) -> dict[str, list[str]]:
    """Directive → its values, in order."""
    found: dict[str, list[str]] = {}
    for line in UNITS[unit].read_text().splitlines():
        if match := re.fullmatch(r"([A-Za-z]+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


def seconds(text: str) -> int:
    """A time span of one number and one unit, as the units here use."""
    match = re.fullmatch(r"(\d+)([a-z]*)", text)
    assert match is not None
    return int(match[1]) * SECONDS[match[2] or "s"]


@pytest.fixture
def service() -> dict[str, list[str]]:
    """What sfr@.service sets."""
    return settings("sfr@.service")


@pytest.fixture
def installed_units(tmp_path: Path) -> Path:
    """The units as they are, but for /opt/sfr, which is made up here so that its programs exist."""
    program = tmp_path / "opt"
    for name in ("venv/bin/python", "notify.sh"):
        path = program / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    for unit in (*SERVICES, *TIMERS):
        text = UNITS[unit].read_text().replace("/opt/sfr/", f"{program}/")
        (tmp_path / unit.replace("@", "@prod")).write_text(text)
    return tmp_path


def test_units_verify_clean_when_the_program_is_installed(installed_units: Path) -> None:
    """`systemd-analyze verify` has nothing to say about services and timers."""
    tool = need("systemd-analyze")
    units = sorted(str(path) for path in installed_units.glob("sfr*.*"))

    done = subprocess.run([tool, "verify", "--man=no", *units], capture_output=True, text=True, timeout=60)

    assert (7, 0, "") == (len(units), done.returncode, done.stdout + done.stderr)


@pytest.mark.parametrize("unit", SERVICES)
def test_service_is_sandboxed_when_analysed_offline(unit: str) -> None:
    """`systemd-analyze security` rates the service's exposure at 1.2 of 10 or less."""
    tool = need("systemd-analyze")
    arguments = ["security", "--offline=true", "--threshold=12", "--no-pager", str(UNITS[unit])]

    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_scripts_have_no_findings_when_shellcheck_reads_them() -> None:
    """The linter shellcheck has nothing to say; where it is missing, bash at least can parse the scripts."""
    scripts = sorted(map(str, (PROJECT / "deploy").glob("*.sh")))
    tool = shutil.which("shellcheck")
    commands = [[tool, *scripts]] if tool else [["bash", "-n", script] for script in scripts]

    outputs = [subprocess.run(command, capture_output=True, text=True, timeout=60) for command in commands]

    assert scripts
    assert all(done.returncode == 0 for done in outputs), [done.stdout + done.stderr for done in outputs]


def test_service_runs_the_whole_list_when_the_timer_starts_it(service: dict[str, list[str]]) -> None:
    """A nightly run is a fresh one: no --resume, and the configuration is the one of the instance."""
    assert ["/opt/sfr/venv/bin/python -P /opt/sfr/sfr.py --config /etc/sfr/%i.yaml"] == service["ExecStart"]


@pytest.mark.parametrize(
    "code", [1, *(code for code in ExitCode if code not in (ExitCode.SUCCESS, ExitCode.NONE_SAVED))]
)
def test_service_is_not_started_again_when_another_try_cannot_help(service: dict[str, list[str]], code: int) -> None:
    """Bugs, configurations, refused log-ins, partial failures, a second run and signals are not tried again."""
    assert str(int(code)) in service["RestartPreventExitStatus"][0].split()


def test_service_is_started_again_when_the_org_was_unreachable(service: dict[str, list[str]]) -> None:
    """Exit code 5 is tried again, a bounded number of times."""
    prevented = service["RestartPreventExitStatus"][0].split()

    assert ["on-failure"] == service["Restart"]
    assert str(int(ExitCode.NONE_SAVED)) not in prevented
    # The limit only bites if all its starts fit into the interval.
    starts = int(service["StartLimitBurst"][0])
    assert starts * seconds(service["RestartSec"][0]) < seconds(service["StartLimitIntervalSec"][0])


def test_service_has_time_limits_that_count_when_it_is_a_oneshot(service: dict[str, list[str]]) -> None:
    """TimeoutStartSec= is set (oneshot ignores RuntimeMaxSec=), and systemd waits longer than SFR's own grace."""
    from sfr.config.fetch_settings import Fetch

    assert ["oneshot"] == service["Type"]
    assert "RuntimeMaxSec" not in service
    assert seconds(service["TimeoutStartSec"][0]) > 0
    assert seconds(service["TimeoutStopSec"][0]) > Fetch().stop_grace_s
    assert ["mixed"] == service["KillMode"]


def test_service_leaves_proc_meminfo_visible_when_sandboxed(service: dict[str, list[str]]) -> None:
    """ProcSubset=pid would break psutil, and refused system calls must fail rather than kill."""
    assert "ProcSubset" not in service
    assert ["EPERM"] == service["SystemCallErrorNumber"]
    assert ["continue"] == service["OOMPolicy"]


def test_timer_makes_up_for_missed_nights_when_the_machine_was_off() -> None:
    """The timer is persistent, spreads machines by a stable offset, and starts the service of the same instance."""
    timer = settings("sfr@.timer")

    assert (["yes"], ["yes"]) == (timer["Persistent"], timer["FixedRandomDelay"])
    assert seconds(timer["RandomizedDelaySec"][0]) > 0
    assert "Unit" not in timer


# --- a cluster of Dask, and its fleet


def test_worker_ends_orgs_in_time_when_it_is_stopped() -> None:
    """Every process gets SIGTERM, and longer than an org's own grace to end."""
    from sfr.config.fetch_settings import Fetch

    worker = settings("sfr-dask-worker.service")

    assert ["control-group"] == worker["KillMode"]
    assert seconds(worker["TimeoutStopSec"][0]) > Fetch().stop_grace_s


def test_fleet_passes_the_stop_signal_on_when_it_is_stopped() -> None:
    """Only the fleet's own process gets SIGTERM, and longer than it gives to its orgs."""
    from sfr.config.fetch_settings import Fetch

    fleet = settings("sfr-fleet.service")

    assert (["oneshot"], ["mixed"]) == (fleet["Type"], fleet["KillMode"])
    assert seconds(fleet["TimeoutStopSec"][0]) > Fetch().stop_grace_s + FLEET_KILLS_AFTER_S
    assert ["yes"] == settings("sfr-fleet.timer")["Persistent"]


@pytest.mark.parametrize("unit", DASK_SERVICES[:2])
def test_cluster_is_reached_with_certificates_only_and_starts_again(unit: str) -> None:
    """TLS with the machine's own key; what has no log-in is open on loopback only; a lost process is replaced."""
    service = settings(unit)
    options = re.findall(r"(--[a-z-]+)(?: ([^-]\S*))?", service["ExecStart"][0])

    assert {
        ("--tls-ca-file", "/etc/sfr/dask/ca.pem"),
        ("--tls-cert", "/etc/sfr/dask/machine.pem"),
        ("--tls-key", "/etc/sfr/dask/machine.key"),
    } <= set(options)
    assert dict(options)["--dashboard-address"].startswith("127.0.0.1:")
    assert ["always"] == service["Restart"]
    # Dask's own program is a script, whose first line names the place where the environment was made.
    assert service["ExecStart"][0].startswith("/opt/sfr/venv/bin/python -P -m dask ")


# --- notify.sh


def notify(tmp_path: Path, result: str, status: str, hook: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run notify.sh as systemd would; `hook` is the body of an on-failure program."""
    program = tmp_path / "on-failure"
    if hook is not None:
        program.write_text(f"#!/bin/sh\n{hook}\n")
        program.chmod(0o755)
    environ = {
        "PATH": os.environ["PATH"],
        "SFR_ON_FAILURE": str(program),
        "MONITOR_SERVICE_RESULT": result,
        "MONITOR_EXIT_STATUS": status,
    }
    script = PROJECT / "deploy" / "notify.sh"
    return subprocess.run([script, "prod"], env=environ, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("code", [1, *(code for code in ExitCode if code != ExitCode.SUCCESS)])
def test_notice_explains_the_exit_code_when_a_run_failed(tmp_path: Path, code: int) -> None:
    """One line of priority "err" names configuration and code, and says more than to read the journal."""
    done = notify(tmp_path, "exit-code", str(int(code)))

    assert done.returncode == 0
    assert re.fullmatch(rf"<3>sfr@prod on \S+ failed \(exit-code, {int(code)}\): .+\n", done.stderr)
    assert "see the journal" not in done.stderr


@pytest.mark.parametrize("result", ["timeout", "oom-kill", "start-limit-hit"])
def test_notice_explains_what_systemd_did_when_it_ended_a_run(tmp_path: Path, result: str) -> None:
    """Not only SFR's own exit codes have a meaning."""
    done = notify(tmp_path, result, "unknown")

    assert done.returncode == 0
    assert f"failed ({result}, unknown): it " in done.stderr or f"failed ({result}, unknown): the kernel" in done.stderr


def test_notice_passes_the_message_on_when_there_is_a_program_for_it(tmp_path: Path) -> None:
    """`on-failure` gets configuration, result and status as arguments and the message on stdin."""
    done = notify(tmp_path, "timeout", "TERM", hook='echo "got $1 $2 $3"; cat')

    first, message = done.stdout.split("\n", 1)
    assert done.returncode == 0
    assert first == "got prod timeout TERM"
    assert "TimeoutStartSec=" in message


def test_notice_fails_when_the_program_fails(tmp_path: Path) -> None:
    """A notice that could not be delivered shows as a failed unit."""
    assert notify(tmp_path, "exit-code", "4", hook="cat >/dev/null; exit 7").returncode == 7


# --- examples


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """What systemd makes of a credentials directory."""
    directory = tmp_path / "credentials"
    directory.mkdir(mode=0o700)
    for name in ("client_id", "client_secret", "ping_url", "private_key"):
        path = directory / f"sfdc_{name}"
        path.write_text(f"https://ping.example/{name}-canary\n")
        path.chmod(0o400)
    return directory


def _without_comment_marks(text: str, first_line: str) -> Iterator[str]:
    """The text with the commented example that begins at `first_line` switched on."""
    is_on = False
    for line in text.splitlines():
        is_on = (is_on or line.strip() == f"# {first_line}") and line.strip().startswith("# ")
        yield line.replace("# ", "", 1) if is_on else line


def test_example_configuration_loads_when_its_credentials_are_there(credentials: Path) -> None:
    """The example holds no secret itself, is valid, warns of nothing, and ends before systemd's time limit."""
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}

    loaded = load_config(str(EXAMPLES / "prod.yaml"), environ=environ)

    auth = loaded.config.salesforce.auth
    assert auth.client_secret.reveal() == "https://ping.example/client_secret-canary"
    assert loaded.warnings == ()
    limit_s = seconds(settings("sfr@.service")["TimeoutStartSec"][0])
    assert loaded.config.fetch.deadline_s is not None
    assert loaded.config.fetch.deadline_s + loaded.config.fetch.stop_grace_s < limit_s


def test_example_configuration_loads_when_its_alternatives_are_switched_on(credentials: Path, tmp_path: Path) -> None:
    """What is commented out there is valid too."""
    lines = list(_without_comment_marks((EXAMPLES / "prod.yaml").read_text(), "jwt:"))
    text = "\n".join(_without_comment_marks("\n".join(lines), "notify:"))
    text = re.sub(r"    client_credentials:\n(      .*\n)+", "", text)
    path = tmp_path / "prod.yaml"
    path.write_text(text)

    loaded = load_config(str(path), environ={"CREDENTIALS_DIRECTORY": str(credentials)})

    assert loaded.config.salesforce.auth_method == "jwt"
    assert loaded.config.salesforce.auth.private_key_file == str(credentials / "sfdc_private_key")
    assert loaded.config.notify.ping is not None


def test_alert_rules_name_only_metrics_that_exist_when_compared_with_the_summary() -> None:
    """Every metric of the rules, and of docs/operations.md, is one that the Prometheus summary has."""
    source = (PROJECT / "sfr" / "summaries" / "prometheus.py").read_text()
    rules = (EXAMPLES / "prometheus-rules.yaml").read_text()
    named = {name for text in (rules, OPERATIONS.read_text()) for name in re.findall(r"\bsfr_[a-z_]+\b(?!\.)", text)}

    assert yaml.safe_load(rules)["groups"][0]["rules"]
    assert "sfr_last_success_timestamp_seconds" in named
    assert set() == {name for name in named if f'"{name}"' not in source}


@pytest.mark.parametrize("kind", ErrorKind)
def test_operations_say_what_to_do_when_a_report_fails(kind: ErrorKind) -> None:
    """docs/operations.md has a row for every value of the summary's `error`."""
    assert re.search(rf"^\| `{kind.value}`", OPERATIONS.read_text(), re.MULTILINE)


@pytest.mark.parametrize("code", ExitCode)
def test_operations_explain_the_exit_code_when_a_run_ends(code: ExitCode) -> None:
    """docs/operations.md has a row for every exit code."""
    assert re.search(rf"^\| (130, )?{int(code)}\b", OPERATIONS.read_text(), re.MULTILINE)
