"""What is not recovered: no recording, one that goes on, a file that is there already."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from otelstream.bridge.recovery import recover
from otelstream.errors import RecordingError
from recorder.blocks import FIRST_BLOCK
from tests.otelstream.bridge.recoveries import long, recovered
from tests.recorder.recordings import change, finished
from tests.recorder.test_database import held_by_another_process


def refusal(path: Path) -> str:
    """Why a recording is not recovered."""
    with pytest.raises(RecordingError) as raised:
        recovered(path)
    assert not path.with_name("recovered.duckdb").exists()
    return str(raised.value)


def empty(path: Path) -> str:
    """A file without a byte."""
    path.touch()
    return f"{path} cannot be recovered: it holds nothing, not one byte."


def text(path: Path) -> str:
    """A file of something else."""
    path.write_text("no database\n" * 9_000)
    return f"{path} cannot be recovered: it is no DuckDB file, so no recording."


def foreign(path: Path) -> str:
    """Somebody's database."""
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE frames (id INTEGER)")
    return f"{path} is a DuckDB database but no otelstream recording; choose another file."


def newer(path: Path) -> str:
    """A recording of a format to come."""
    finished(path)
    change(path, "UPDATE header SET format_version = 99")
    return f"{path} has recording format 99, newer than the 2 that this version reads; upgrade otelstream."


def missing(path: Path) -> str:
    """No file."""
    return f"{path} does not exist; check the path."


def folder(path: Path) -> str:
    """A directory."""
    path.mkdir()
    return f"{path} cannot be used: Is a directory; check the path and its permissions."


@pytest.mark.parametrize("make", [empty, text, foreign, newer, missing, folder])
def test_what_is_no_recording_is_refused(make: Callable[[Path], str], tmp_path: Path) -> None:
    """One sentence says why, and no file is made."""
    path = tmp_path / "run.duckdb"
    expected = make(path)

    assert refusal(path) == expected


def test_what_cannot_be_read_at_all_is_refused_with_the_place(tmp_path: Path) -> None:
    """Where the end of a file is missing, so is what says where everything is."""
    path = long(tmp_path / "run.duckdb")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: FIRST_BLOCK + 10_000])

    assert refusal(path).startswith(
        f"{path} cannot be recovered: the last {size - FIRST_BLOCK - 10_000} bytes of the file are missing; "
    )


def test_a_recording_that_is_being_written_is_refused(tmp_path: Path) -> None:
    """It is not damaged, it goes on."""
    path = finished(tmp_path / "run.duckdb")
    with held_by_another_process(path):
        assert refusal(path) == f"{path} is being written; recover it when its process has ended."


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    """The output must be new."""
    path = finished(tmp_path / "run.duckdb")
    with pytest.raises(RecordingError) as raised:
        recover(path, path)

    assert str(raised.value) == f"{path} exists; choose another name with -o."


def test_the_output_may_be_in_a_folder_to_come(tmp_path: Path) -> None:
    """Missing folders are made; the new file is as any other that one makes."""
    path = finished(tmp_path / "run.duckdb")
    recover(path, tmp_path / "a" / "b" / "new.duckdb")
    (tmp_path / "other").touch()

    assert stat.S_IMODE((tmp_path / "a" / "b" / "new.duckdb").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "other").stat().st_mode
    )
