"""Files that the emulator makes in a directory that others may write to."""

import pytest

from sfr.emulator import Emulator

OLD = b"not the emulator's"


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
def test_emulator_follows_no_link_where_it_writes(tmp_path, name):
    """The link is replaced, what it leads to stays."""
    victim = tmp_path / "victim"
    victim.write_bytes(OLD)
    directory = tmp_path / "files"
    directory.mkdir()
    (directory / name).symlink_to(victim)
    with Emulator(tls="good", directory=directory):
        assert (directory / name).read_bytes().startswith(b"-----BEGIN")

    assert victim.read_bytes() == OLD
    assert not (directory / name).is_symlink()
