"""deploy/install.sh, run for real into a directory of its own: no root, no network, nothing of the system touched."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sfr.commands.setup.answers import Answers

PROJECT = Path(__file__).resolve().parents[2]
SCRIPT = PROJECT / "deploy" / "install.sh"
UNITS = ("sfr@.service", "sfr@.timer", "sfr-notify@.service")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="systemd is Linux's")


def install(root: Path, *arguments: str, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    """Run install.sh under `root`, with this interpreter and without packages, unless `arguments` say otherwise."""
    command = ["bash", str(script), "--root", str(root), "--no-packages", "--python", sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def plant_modules(directory: Path) -> Path:
    """Modules that the script's own calls of Python would find in this directory; returns a file that they write."""
    ran = directory / "ran"
    for name in sys.stdlib_module_names | {"pip", "setuptools", "sitecustomize"}:
        (directory / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r} + chr(10))\nraise ImportError\n")
    return ran


def files(root: Path) -> dict[str, tuple[int, bytes]]:
    """Path → permissions and content of every file, less what Python writes by itself."""
    return {
        str(path.relative_to(root)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {"__pycache__", "venv"} & set(path.parts)
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh installation with the configuration `acme`; tests only read it."""
    root = tmp_path_factory.mktemp("installed")
    done = install(root, "acme")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_install_changes_nothing_when_dry(tmp_path: Path) -> None:
    """`--dry-run` prints every step and leaves the directory empty."""
    done = install(tmp_path, "--dry-run", "acme")

    assert (0, "") == (done.returncode, done.stderr)
    assert not list(tmp_path.iterdir())
    for expected in (*UNITS, "acme.yaml", "venv", "sfr.sysusers.conf", "credentials/acme"):
        assert expected in done.stdout


def test_installed_program_runs_when_called_as_the_unit_does(installed: Path, tmp_path: Path) -> None:
    """The installed interpreter runs the installed copy, not the checkout."""
    program = installed / "opt" / "sfr"

    done = subprocess.run(
        [program / "venv" / "bin" / "python", "-P", program / "sfr.py", "--version"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("sfr ")
    assert (program / "sfr" / "cli.py").read_bytes() == (PROJECT / "sfr" / "cli.py").read_bytes()


@pytest.mark.parametrize("script", ["deploy/install.sh", "scripts/setup"])
def test_modules_of_the_callers_directory_are_not_run(tmp_path: Path, script: str) -> None:
    """As root, and whatever their names: also those that PYTHONPATH names."""
    (tmp_path / "planted").mkdir()
    (tmp_path / "root").mkdir()
    ran = plant_modules(tmp_path / "planted")
    arguments = ["--root", str(tmp_path / "root"), "--no-packages", "--extras", "parquet", "acme"]
    if script == "scripts/setup":
        # It ends where packages would be fetched.
        arguments = [str(tmp_path / "environment")]

    done = subprocess.run(
        ["bash", str(PROJECT / script), *arguments],
        cwd=tmp_path / "planted",
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(tmp_path / "planted"),
            "PYTHON": sys.executable,
            "PIP_NO_INDEX": "1",
            "CDPATH": "/",
        },
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert not ran.exists(), ran.read_text()
    if script == "deploy/install.sh":
        assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("python", ["./python", "link/python"])
def test_interpreter_may_be_named_from_the_callers_directory(tmp_path: Path, python: str) -> None:
    """The script leaves that directory, and finds the interpreter all the same."""
    (tmp_path / "root").mkdir()
    (tmp_path / "link").symlink_to(".")
    (tmp_path / "python").symlink_to(sys.executable)
    command = ["bash", str(SCRIPT), "--root", "root", "--no-packages", "--python", python]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)

    assert (0, "") == (done.returncode, done.stderr)
    assert (tmp_path / "root" / "opt" / "sfr" / "venv" / "bin" / "python").exists()


@pytest.mark.parametrize("unit", UNITS)
def test_installed_unit_is_the_shipped_one_when_compared(installed: Path, unit: str) -> None:
    """Units are copied as they are, readable by all."""
    path = installed / "etc" / "systemd" / "system" / unit

    assert path.read_bytes() == (PROJECT / "deploy" / "systemd" / unit).read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_installed_configuration_is_private_when_made_from_the_example(installed: Path) -> None:
    """The example bears the new name throughout; others read neither it nor the credentials."""
    config = installed / "etc" / "sfr" / "acme.yaml"
    text = config.read_text()

    assert "/etc/sfr/acme.csv" in text
    assert "prod" not in text
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert stat.S_IMODE((installed / "etc" / "sfr" / "acme.csv").stat().st_mode) == 0o640
    assert stat.S_IMODE((installed / "etc" / "sfr" / "credentials" / "acme").stat().st_mode) == 0o700


def test_install_copies_the_set_up_when_sfr_init_made_one(tmp_path: Path) -> None:
    """The list's path is the copy's; secrets are private; what is there already is never changed."""
    checkout, root = tmp_path / "checkout", tmp_path / "root"
    for part in ("deploy", "sfr"):
        shutil.copytree(PROJECT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("sfr.py", "requirements.txt", "setup.cfg", "LICENSE"):
        shutil.copy(PROJECT / part, checkout)
    made = Answers("acme", "https://acme.my.salesforce.com", "jwt", "3MVG-x", "reports@acme.example")
    for path, text in {
        made.files.config: made.config_text(),
        made.files.list: "report_type,report_file_name,report_id,report_path,optional_export_params\n",
        made.files.key: "key",
        made.files.certificate: "certificate",
        made.files.env: made.env_text(),
    }.items():
        (checkout / path).parent.mkdir(exist_ok=True)
        (checkout / path).write_text(text)
    root.mkdir()

    first = install(root, "acme", script=checkout / "deploy" / "install.sh")
    installed = files(root)
    second = install(root, "acme", script=checkout / "deploy" / "install.sh")
    (root / "etc/sfr/acme.yaml").unlink()
    third = install(root, "acme", script=checkout / "deploy" / "install.sh")

    assert (0, "", 0) == (first.returncode, first.stderr, second.returncode)
    assert "Next, for acme" in first.stdout
    assert "edit /etc/sfr/acme.yaml" not in first.stdout
    config = installed["etc/sfr/acme.yaml"][1].decode()
    assert "list: /etc/sfr/acme.csv\n" in config
    assert config.replace("/etc/sfr/acme.csv", made.files.list) == made.config_text()
    assert installed["etc/sfr/acme.csv"] == (0o640, (checkout / made.files.list).read_bytes())
    for path in (made.files.key, made.files.certificate, made.files.env):
        assert installed[f"var/lib/sfr/acme/{path}"] == (0o600, (checkout / path).read_bytes())
    assert third.returncode == 1
    assert "var/lib/sfr/acme is there" in third.stderr
    assert files(root) == {path: kept for path, kept in installed.items() if path != "etc/sfr/acme.yaml"}


def test_install_enables_no_timer_when_run(installed: Path) -> None:
    """What runs at night is the administrator's decision."""
    assert not (installed / "etc" / "systemd" / "system" / "timers.target.wants").exists()


def test_install_keeps_what_is_the_users_when_run_again(tmp_path: Path) -> None:
    """A second run changes nothing but what was damaged of the program; configuration and credentials stay."""
    install(tmp_path, "acme")
    config = tmp_path / "etc" / "sfr" / "acme.yaml"
    config.write_text("salesforce: {domain: mine}\n")
    credential = tmp_path / "etc" / "sfr" / "credentials" / "acme" / "client_secret"
    credential.write_text("canary")
    before = files(tmp_path)
    (tmp_path / "opt" / "sfr" / "sfr" / "cli.py").write_text("damaged")
    (tmp_path / "opt" / "sfr" / "sfr" / "of_an_older_version.py").write_text("")

    done = install(tmp_path, "acme")

    assert (0, "") == (done.returncode, done.stderr)
    assert "acme.yaml exists and is not changed" in done.stdout
    assert before == files(tmp_path)


def test_upgrade_keeps_the_extras_when_it_names_none(tmp_path: Path) -> None:
    """Otherwise the next night's run would lack a format's package; `--extras` changes them."""
    recorded = tmp_path / "opt/sfr/venv/.extras"
    kept = []
    for options in (("--extras", "parquet,xlsx"), (), ("--extras", "xlsx")):
        done = install(tmp_path, *options)
        assert (0, "") == (done.returncode, done.stderr)
        kept.append(recorded.read_text())

    assert kept == ["parquet,xlsx", "parquet,xlsx", "xlsx"]


def test_uninstall_keeps_what_is_the_users_when_not_purging(tmp_path: Path) -> None:
    """Program and units go, enabled timers too; configurations, reports and what others put there stay."""
    install(tmp_path, "acme")
    reports = tmp_path / "var" / "lib" / "sfr" / "acme" / "output"
    reports.mkdir(parents=True)
    (reports / "pipeline.csv").write_text("a\n")
    (tmp_path / "opt" / "sfr" / "notes.txt").write_text("not ours")
    wanted = tmp_path / "etc" / "systemd" / "system" / "timers.target.wants"
    wanted.mkdir()
    (wanted / "sfr@acme.timer").symlink_to("/etc/systemd/system/sfr@.timer")
    (wanted / "other.timer").write_text("")

    done = install(tmp_path, "--uninstall")

    assert (0, "") == (done.returncode, done.stderr)
    assert {
        "etc/sfr/acme.csv",
        "etc/sfr/acme.yaml",
        "etc/systemd/system/timers.target.wants/other.timer",
        "opt/sfr/notes.txt",
        "var/lib/sfr/acme/output/pipeline.csv",
    } == set(files(tmp_path))
    assert not (wanted / "sfr@acme.timer").is_symlink()


def test_uninstall_leaves_nothing_when_purging(tmp_path: Path) -> None:
    """`--purge` removes every file, systemd's stamp of the timer too; a second time finds nothing to complain of."""
    install(tmp_path, "acme")
    stamp = tmp_path / "var" / "lib" / "systemd" / "timers" / "stamp-sfr@acme.timer"
    stamp.parent.mkdir(parents=True)
    stamp.touch()

    first, second = install(tmp_path, "--uninstall", "--purge"), install(tmp_path, "--uninstall", "--purge")

    assert [(0, ""), (0, "")] == [(done.returncode, done.stderr) for done in (first, second)]
    assert {} == files(tmp_path)
    assert not (tmp_path / "opt" / "sfr").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--resume"], "unknown option --resume"),
        (["../evil"], "no configuration name"),
        (["-x"], "unknown option -x"),
        (["prod.yaml"], "without .yaml"),
        (["--purge"], "--purge goes with --uninstall"),
        (["--uninstall", "acme"], "--uninstall takes no configuration names"),
        (["--extras", "nope"], "there is no extra nope; there are: "),
        (["--extras"], "--extras needs a value"),
        (["--wheels", "/does/not/exist"], "there is no directory /does/not/exist"),
    ],
)
def test_install_refuses_invalid_arguments(tmp_path: Path, arguments: list[str], expected: str) -> None:
    """Exit code 2, a sentence that names the mistake, and nothing done."""
    done = install(tmp_path, *arguments)

    assert done.returncode == 2
    assert expected in done.stderr
    assert not list(tmp_path.iterdir())


def test_install_refuses_when_python_is_missing(tmp_path: Path) -> None:
    """The message says which packages Debian has for it."""
    done = install(tmp_path, "--python", str(tmp_path / "no-python"))

    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", ["install.sh", "sfr-instance.sh"])
def test_script_prints_its_usage_with_help(script: str) -> None:
    """--help prints the head of the script, without comment marks, and nothing else."""
    done = subprocess.run(["bash", PROJECT / "deploy" / script, "--help"], capture_output=True, text=True, timeout=60)

    assert (0, "") == (done.returncode, done.stderr)
    assert "[SFR OPTIONS...]" in done.stdout or "--dry-run" in done.stdout
    assert "set -e" not in done.stdout
    assert not any(line.startswith("#") for line in done.stdout.splitlines())
