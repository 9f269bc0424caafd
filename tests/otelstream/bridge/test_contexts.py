"""A session of more contexts than anybody remembers: frames share those of any time before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otelstream.bridge.merging import merge
from otelstream.bridge.recovery import recover
from otelstream.frame import StreamFrame
from otelstream.redact import Redactor
from recorder import decoder, encoder
from recorder.decoder import FrameDecoder
from recorder.doctor import examine
from recorder.rows import ContextRow
from tests.contract.programs import frame
from tests.otelstream.bridge.test_rewrite import copied
from tests.recorder.odd import CALL, encoded
from tests.recorder.recordings import content, record, writing

REMEMBERED = 400
"""What encoders remember of each kind of context, and decoders a quarter of it: a tenth of the default."""

CALLS = 2_100
"""Five times as many, and more than are looked at together."""


@pytest.fixture(autouse=True, scope="module")
def forgetful() -> Iterator[None]:
    """Encoders and decoders that remember so many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "REMEMBERED_CONTEXTS", REMEMBERED)
        patch.setattr(decoder, "_REMEMBERED", REMEMBERED // 4)
        yield


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
        record(writer, 0, long_session(CALLS), commit_each=100)
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
    rows, contexts = encoded(long_session(CALLS))
    asked: list[list[int]] = []

    def older(numbers: list[int]) -> list[ContextRow]:
        asked.append(numbers)
        return [contexts[number] for number in numbers]

    made = FrameDecoder(older)
    made.take(contexts.values(), rows[:-2])
    first = [made.frame(row) for row in rows[:-2]]
    made.take([], rows[5:10])
    made.take([], rows[-2:])

    assert [*first, *map(made.frame, rows[-2:])] == long_session(CALLS)
    assert asked == [[0, 1]]
