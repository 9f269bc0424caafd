"""A session of more contexts than anybody remembers: frames share those of any time before."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.bridge.merging import merge
from otelstream.bridge.recovery import recover
from otelstream.frame import StreamFrame
from otelstream.redact import Redactor
from recorder.decoder import FrameDecoder
from recorder.doctor import examine
from recorder.rows import ContextRow
from tests.contract.programs import frame
from tests.otelstream.bridge.test_rewrite import copied
from tests.recorder.odd import CALL, encoded
from tests.recorder.recordings import content, record, writing

CALLS = 10_100
"""More than twice what an encoder remembers of each kind of context."""


def long_session(calls: int) -> list[StreamFrame]:
    """A flow of many calls of one token each; tokens of no call have data that differs each time."""
    first = frame(0, type="flow_started", data={"flow_name": "f"})
    tokens = [
        frame(number, data={**CALL, "call_id": "c" if number == 1 else None, "chunk": "a", "n": number})
        for number in range(1, calls)
    ]
    share = frame(calls, data={**CALL, "call_id": "c", "chunk": "b", "n": 1})
    last = frame(calls + 1, type="flow_finished", data={"flow_name": "f"})
    return [first, *tokens, share, last]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of such a session."""
    path = tmp_path_factory.mktemp("contexts") / "run.duckdb"
    with writing(path) as writer:
        record(writer, 0, long_session(CALLS), commit_each=1_000)
    return path


def test_a_session_of_many_contexts_is_sound(recording: Path) -> None:
    """`doctor` finds what a frame shares with the first ones, however many contexts there are between."""
    assert [finding for finding in examine(recording).findings if finding.level == "error"] == []


def test_a_session_of_many_contexts_is_merged(recording: Path, tmp_path: Path) -> None:
    """So does `merge`."""
    merge([recording], tmp_path / "merged.duckdb")

    assert content(tmp_path / "merged.duckdb") == content(recording)


def test_a_session_of_many_contexts_is_redacted(recording: Path, tmp_path: Path) -> None:
    """So does `redact`."""
    assert content(copied(recording, tmp_path / "redacted.duckdb", Redactor())) == content(recording)


def test_a_session_of_many_contexts_is_recovered(recording: Path, tmp_path: Path) -> None:
    """So does `recover`."""
    recovery = recover(recording, tmp_path / "recovered.duckdb")

    assert (recovery.is_complete, content(recovery.output)) == (True, content(recording))


def test_a_commit_looks_once_for_what_it_shares() -> None:
    """A decoder asks for all contexts of a commit together that it does not keep any more."""
    rows, contexts = encoded(long_session(1_500))
    asked: list[list[int]] = []

    def older(numbers: list[int]) -> list[ContextRow]:
        asked.append(numbers)
        return [contexts[number] for number in numbers]

    decoder = FrameDecoder(older)
    decoder.take(contexts.values(), rows[:-2])
    first = [decoder.frame(row) for row in rows[:-2]]
    decoder.take([], rows[5:10])
    decoder.take([], rows[-2:])

    assert [*first, *map(decoder.frame, rows[-2:])] == long_session(1_500)
    assert asked == [[0, 1]]
