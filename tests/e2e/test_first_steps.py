"""The first things that a user meets: no configuration, completion, and the `.env` of a configuration."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from sfr.emulator import Emulator
from tests.e2e.conftest import CHECKOUT, Job, row


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_print_completion_prints_a_script_for_the_shell(job: Job, shell: str) -> None:
    """It knows the commands and the options; no configuration is read."""
    ended = job.start_command([sys.executable, str(CHECKOUT / "sfr.py"), "--print-completion", shell]).end()

    assert ended.code == 0, ended.stderr
    for word in ("doctor", "login", "init", "--no-browser", "--resume", "--print-completion"):
        assert word in ended.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_completion_script_is_valid_bash(job: Job) -> None:
    """The shell reads it, and completes a command's name."""
    script = job.start_command([sys.executable, str(CHECKOUT / "sfr.py"), "--print-completion", "bash"]).end().stdout
    ask = 'COMP_WORDS=(sfr doc); COMP_CWORD=1; _shtab_sfr; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=False, timeout=30)

    assert done.stdout.split() == ["doctor"], done.stderr


def test_missing_configuration_names_init_and_the_demo(job: Job) -> None:
    """For those who start the program to see what happens."""
    ended = job.start_command([sys.executable, str(CHECKOUT / "sfr.py")]).end()

    assert ended.code == 2
    assert "sfr init" in ended.stderr
    assert "demo" in ended.stderr


def test_example_configuration_without_variables_names_init(job: Job) -> None:
    """In a fresh checkout the default configuration is the example of all options."""
    (job.directory / "conf").mkdir()
    shutil.copy(CHECKOUT / "conf" / "sfr.yaml", job.directory / "conf")
    ended = job.start_command([sys.executable, str(CHECKOUT / "sfr.py")]).end()

    assert ended.code == 2
    assert "sfr init" in ended.stderr


def test_env_file_of_the_configurations_name_is_read_by_every_command(job: Job, org: Emulator) -> None:
    """A run, --check, --history, --list-reports and doctor all find the secret there."""
    job.configure(org.url, {"sid": {"value": "${SFDC_SID}"}}, [row("Awkward Cells", org.report("Awkward Cells").id)])
    env = job.directory / ".env.sfr"
    env.write_text(f"SFDC_SID={org.sid}\n")
    env.chmod(0o600)
    for arguments in ((), ("--check",), ("--history",), ("--list-reports",)):
        assert job.run(*arguments).code == 0, arguments
    command = [sys.executable, str(CHECKOUT / "sfr.py"), "doctor", "--config", "sfr.yaml"]
    assert job.start_command(command).end().code == 0


def start_in_checkout(job: Job, *arguments: str) -> str:
    """What the program prints where `conf` holds the example and a configuration `acme`; it ends with 2."""
    (job.directory / "conf").mkdir()
    shutil.copy(CHECKOUT / "conf" / "sfr.yaml", job.directory / "conf")
    text = "salesforce: {domain: 'http://127.0.0.1:9', auth: {sid: {value: '${SFDC_SID}'}}}\nreports: {list: a.csv}\n"
    (job.directory / "conf" / "acme.yaml").write_text(text)
    (job.directory / "a.csv").write_text("report_type,report_file_name,report_id\nSFDC,A,00O5g000NLeEvksEYC\n")
    ended = job.start_command([sys.executable, str(CHECKOUT / "sfr.py"), *arguments]).end()

    assert ended.code == 2
    return ended.stderr + ended.stdout


@pytest.mark.parametrize("arguments", [(), ("doctor",)])
def test_forgotten_config_option_names_the_configurations_that_exist(job: Job, arguments: tuple[str, ...]) -> None:
    """After `sfr init` it would be wrong to say that no org is configured."""
    said = start_in_checkout(job, *arguments)

    assert "Other configurations here: `conf/acme.yaml`; give one as `--config FILE`." in said
    assert "No org is configured" not in said


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("conf/acme.yaml",), "'conf/acme.yaml' has the name of a configuration, which is given as `--config FILE`."),
        (("--config", "a.csv"), "a.csv has the name of a report list, which is given without an option."),
        (("docter",), "'docter' is neither a command nor a report list; did you mean `doctor`?"),
        (("--config", "conf/acme.yaml"), "Neither `.env.acme` nor `.env` is in the working directory "),
    ],
    ids=["list", "config", "command", "env"],
)
def test_mixed_up_argument_is_named(job: Job, arguments: tuple[str, ...], hint: str) -> None:
    """The configuration as a list, a list as the configuration, a mistyped command, another working directory."""
    assert f"sfr: {hint}" in start_in_checkout(job, *arguments)


def test_missing_fleet_file_names_the_document(job: Job) -> None:
    """`sfr init` makes none."""
    ended = job.start_command([sys.executable, str(CHECKOUT / "sfr.py"), "fleet", "fleat.yaml"]).end()

    assert ended.code == 2
    assert "fleat.yaml: cannot be read: No such file or directory" in ended.stderr
    assert "docs/fleet.md" in ended.stderr
    assert "sfr init" not in ended.stderr
