"""A foreign file that is written to: what it calls a table may be a view, and reaches no other file."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.errors import RecordingError
from recorder.writer import Writer
from tests.recorder.recordings import change, finished


def test_a_header_that_reads_another_file_is_refused(tmp_path: Path) -> None:
    """The writer executes nothing that reaches beyond the recording."""
    path, other = finished(tmp_path / "run.duckdb"), tmp_path / "secret.txt"
    other.write_text("secret")
    change(
        path,
        "ALTER TABLE header RENAME TO kept",
        f"CREATE VIEW header AS SELECT 2 AS format_version FROM read_text('{other}')",
    )
    with pytest.raises(RecordingError) as raised:
        Writer(path)

    assert "file system operations are disabled" in str(raised.value)
