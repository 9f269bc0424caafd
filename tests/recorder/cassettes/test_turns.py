from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from otelstream.errors import RecordingError
from recorder.cassettes.turns import Turn


def test_one_at_a_time(tmp_path: Path) -> None:
    """Whoever wants to make the same recording waits until the other one gives up; another one is free."""
    first, second, other = Turn(tmp_path / "a"), Turn(tmp_path / "b/../a"), Turn(tmp_path / "b")
    first.take()
    other.take()
    waiting = threading.Thread(target=second.take)
    waiting.start()
    waiting.join(0.05)
    assert (first.is_taken, second.is_taken, other.is_taken) == (True, False, True)
    first.give_up()
    waiting.join(10)
    assert (first.is_taken, second.is_taken) == (False, True)
    second.give_up()
    other.give_up()


def test_it_ends_with_the_process(tmp_path: Path) -> None:
    """A process that dies without giving up keeps nobody waiting."""
    program = (
        "import os; from pathlib import Path; from recorder.cassettes.turns import Turn;"
        f"Turn(Path({str(tmp_path / 'a')!r})).take(); os._exit(1)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 1
    turn = Turn(tmp_path / "a")
    turn.take()
    assert turn.is_taken
    turn.give_up()


def test_no_place_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no lock can be made that is told in one sentence."""
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(
        RecordingError, match=r"nothing is recorded without a lock .*; set TMPDIR to another one\."
    ):
        Turn(tmp_path / "a").take()


def test_giving_up_what_was_not_taken(tmp_path: Path) -> None:
    """Giving up twice does no harm."""
    turn = Turn(tmp_path / "a")
    turn.give_up()
    assert not turn.is_taken
