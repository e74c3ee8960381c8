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
