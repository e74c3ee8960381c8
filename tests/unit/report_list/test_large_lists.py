"""sfr.report_list.rows: a list without end fills no memory."""

import pytest

from sfr.report_list.rows import MAX_LIST_BYTES, rows_of_file


@pytest.mark.parametrize("kind", ["sparse file", "/dev/zero"])
def test_list_without_end_is_refused(tmp_path, kind):
    """It names the bound, before anything is parsed."""
    path = "/dev/zero"
    if kind == "sparse file":
        path = str(tmp_path / "list.csv")
        with open(path, "wb") as file:
            file.truncate(1 << 40)
    problems = []
    assert rows_of_file(path, problems) == []
    assert len(problems) == 1
    assert f"{MAX_LIST_BYTES:,} bytes" in problems[0]
