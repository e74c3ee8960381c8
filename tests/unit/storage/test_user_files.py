"""sfr.storage.user_files: files that another user could have written are not read, and no file is waited for."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sfr.config.load import load_config
from sfr.config.secret_files import warn_if_readable
from sfr.errors import ConfigurationError
from sfr.storage.user_files import ForeignFileError, read_trusted, warning_of_writers

CONFIG = "salesforce: {domain: emulator, auth: {sid: {value: 00D5g!x}}}\n"
NOBODY = 65534
DAEMON = 1
ROOT = Path(__file__).parents[3]

needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="two users need root")
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
pytestmark = posix


@pytest.fixture
def shared():
    """A directory that every user can enter."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def write(path, content="x", mode=0o600, owner=None):
    """A file of a mode and an owner."""
    path.write_text(content)
    path.chmod(mode)
    if owner is not None:
        os.chown(path, owner, owner)
    return path


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644, 0o700])
def test_read_trusted_reads_what_only_its_owner_may_write(tmp_path, mode):
    """Who else may read it is a matter for a warning."""
    assert read_trusted(str(write(tmp_path / "f", "abc", mode)), 10) == b"abc"


@pytest.mark.parametrize(
    ("mode", "who"), [(0o620, "its group"), (0o602, "all users"), (0o666, "its group and all users")]
)
def test_read_trusted_refuses_what_others_may_write(tmp_path, mode, who):
    """Owner and mode are named, and what to do."""
    with pytest.raises(ForeignFileError) as caught:
        read_trusted(str(write(tmp_path / "f", "abc", mode)), 10)

    assert f"may be written by {who} (owner" in caught.value.strerror
    assert f"mode {mode:04o}" in caught.value.strerror
    assert "chmod 600" in caught.value.strerror


def test_read_trusted_judges_the_target_of_a_symlink(tmp_path):
    """Kubernetes hands out secrets through links."""
    write(tmp_path / "good")
    write(tmp_path / "bad", mode=0o666)
    for name in ("good", "bad"):
        (tmp_path / f"to-{name}").symlink_to(tmp_path / name)

    assert read_trusted(str(tmp_path / "to-good"), 10) == b"x"
    with pytest.raises(ForeignFileError):
        read_trusted(str(tmp_path / "to-bad"), 10)


@pytest.mark.timeout(20)
def test_read_trusted_reads_no_more_than_one_byte_past_the_limit(tmp_path):
    """Neither of a large file nor of a device without an end."""
    assert len(read_trusted(str(write(tmp_path / "f", "x" * 100)), 10)) == 11
    assert len(read_trusted("/dev/zero", 1_000_000)) == 1_000_001


@pytest.mark.timeout(20)
def test_read_trusted_waits_for_no_writer_of_a_pipe(tmp_path):
    """Opening a pipe waits for ever for somebody who writes."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(OSError, match="pipe that nothing is written to"):
        read_trusted(str(tmp_path / "pipe"), 10)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_read_trusted_reads_a_shells_process_substitution():
    """`--env-file <(vault read …)` is a pipe, whose content arrives some time later."""
    reading, writing = os.pipe()
    process = subprocess.Popen(["sh", "-c", "sleep 0.2; echo later"], stdout=writing)
    os.close(writing)
    try:
        assert read_trusted(f"/proc/self/fd/{reading}", 100) == b"later\n"
    finally:
        process.wait(20)
        os.close(reading)


def test_read_trusted_refuses_directories_and_passes_on_what_is_missing(tmp_path):
    """As open does."""
    with pytest.raises(IsADirectoryError):
        read_trusted(str(tmp_path), 10)
    with pytest.raises(FileNotFoundError):
        read_trusted(str(tmp_path / "none"), 10)


@needs_root
def test_read_trusted_refuses_the_file_of_another_user(tmp_path):
    """Root does not obey a file of nobody's."""
    with pytest.raises(ForeignFileError) as caught:
        read_trusted(str(write(tmp_path / "f", owner=NOBODY)), 10)

    assert f"(uid {NOBODY})" in caught.value.strerror
    assert "mode 0600" in caught.value.strerror


@needs_root
def test_read_trusted_takes_roots_files_and_ones_own_from_another_user(shared):
    """As nobody: root's and its own file are read, a third user's is not."""
    for name, owner in (("root", 0), ("own", NOBODY), ("third", DAEMON)):
        write(shared / name, name, 0o644, owner)
    program = (
        "import os, pwd, sys; sys.path.insert(0, sys.argv[1])\n"
        "from sfr.storage.user_files import *\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "for path in sys.argv[2:]:\n"
        "    try: print(read_trusted(path, 10).decode())\n"
        "    except ForeignFileError as error: print(error.strerror)\n"
    )

    paths = [str(shared / name) for name in ("root", "own", "third")]
    command = [sys.executable, "-c", program, str(ROOT), *paths]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    lines = ended.stdout.splitlines()
    assert lines[:2] == ["root", "own"]
    assert f"(uid {DAEMON})" in lines[2]
    assert f"(uid {NOBODY})" in lines[2]


#: Kind of file → the log-in whose settings name it.
SECRET_FILES = {
    ".env": "sid: {value: '${SID}'}",
    "private key": "jwt: {client_id: a, username: b, private_key_file: secret}",
    "token": "refresh_token: {client_id: a, token_file: secret}",
    "session id": "sid: {file: secret}",
    "credential": "sid: {value: '${cred:secret}'}",
}


def load_with(directory, kind):
    """Load a configuration that uses the file `secret` as this kind of file."""
    config = write(
        directory / "a.yaml",
        f"salesforce: {{domain: https://acme.my.salesforce.com, auth: {{{SECRET_FILES[kind]}}}}}",
    )
    return load_config(
        str(config),
        environ={"CREDENTIALS_DIRECTORY": str(directory)},
        env_file=str(directory / "secret") if kind == ".env" else None,
    )


@pytest.mark.parametrize("owner", [None, pytest.param(NOBODY, marks=needs_root)])
@pytest.mark.parametrize("kind", SECRET_FILES)
def test_load_refuses_each_kind_of_secret_file_that_another_user_could_have_written(tmp_path, monkeypatch, kind, owner):
    """Exit 2, naming owner and mode: such a file could send the secrets to its author."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "secret", "SID=x", 0o600 if owner else 0o606, owner)

    with pytest.raises(ConfigurationError) as caught:
        load_with(tmp_path, kind)

    assert len(caught.value.problems) == 1
    assert "cannot be trusted" in str(caught.value)
    assert f"uid {owner or os.geteuid()}" in str(caught.value)
    assert "mode 0600" in str(caught.value) or "mode 0606" in str(caught.value)


@pytest.mark.parametrize("kind", SECRET_FILES)
def test_load_only_warns_of_a_secret_file_that_others_may_read(tmp_path, monkeypatch, kind):
    """It may be known to others, but it is still the user's own."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "secret", "SID=x", 0o644)

    assert any("may be read by" in warning for warning in load_with(tmp_path, kind).warnings)


def test_load_warns_of_configuration_list_and_certificates_that_others_may_write(tmp_path, monkeypatch):
    """They decide where reports go and whom to trust, but hold no secret."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "list.csv", mode=0o664)
    write(tmp_path / "ca.pem", mode=0o602)
    write(
        tmp_path / "a.yaml",
        "salesforce: {domain: https://acme.my.salesforce.com, ca_bundle: ca.pem, auth: {sf_cli: {org: x}}}\n"
        "reports: {list: list.csv}",
        0o660,
    )

    warnings = load_config("a.yaml", environ={}).warnings

    for start, mode in (("'a.yaml'", "0660"), ("salesforce.ca_bundle", "0602"), ("reports.list", "0664")):
        assert any(warning.startswith(start) and f"mode {mode}" in warning for warning in warnings)


@needs_root
def test_warning_names_another_owner(tmp_path):
    """Who owns it may change it at any time."""
    assert f"uid {NOBODY}" in warning_of_writers(str(write(tmp_path / "f", mode=0o644, owner=NOBODY)))
    assert warning_of_writers(str(write(tmp_path / "g", mode=0o644))) is None
    assert warning_of_writers(str(tmp_path / "none")) is None
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert warning_of_writers("/dev/null") is None


@needs_root
@pytest.mark.parametrize(
    ("owner", "mode", "has_warning"),
    [(0, 0o640, False), (0, 0o440, False), (0, 0o644, True), (NOBODY, 0o640, True)],
)
def test_file_that_root_hands_out_through_our_group_is_no_warning(shared, owner, mode, has_warning):
    """`root:sfr` 0640 and what Kubernetes mounts: chmod 600 would take the file from who is to read it."""
    path = shared / "secret"
    path.touch()
    os.chown(path, owner, NOBODY)
    path.chmod(mode)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(len(list(warn_if_readable(str(path), ""))))
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == has_warning


@pytest.mark.parametrize("name", ["sfr.yaml", "reports.csv"])
def test_configuration_or_list_that_is_a_pipe_without_a_writer_is_refused_at_once(tmp_path, name):
    """It used to be waited for, without end; one that something is written to is read."""
    (tmp_path / "sfr.yaml").write_text(f"{CONFIG}reports: {{list: reports.csv}}\n")
    (tmp_path / "reports.csv").write_text("report_type,report_file_name,report_id\n")
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    command = [sys.executable, str(ROOT / "sfr.py"), "--config", "sfr.yaml", "--check", "--offline"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert f"{name}: cannot be read: it is a named pipe that nothing is written to" in ended.stderr


def test_configuration_from_a_process_substitution_is_read(tmp_path):
    """`--config <(…)`, as scripts write it."""
    (tmp_path / "reports.csv").write_text("report_type,report_file_name,report_id\nSFDC,A,00O5g000NLeEvksEYC\n")
    text = CONFIG + "reports: {list: reports.csv}"
    script = '"$0" "$1" --config <(sleep 0.2; printf "%s\\n" "$2") --check --offline'
    command = ["bash", "-c", script, sys.executable, str(ROOT / "sfr.py"), text]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 0, ended.stderr
