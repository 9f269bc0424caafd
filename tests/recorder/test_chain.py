"""The hash chain: what it vouches for, and which commit is said to be another one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from recorder import chain
from recorder.commits import Commit, Connect, commits, end_row, links, start_row
from recorder.names import real_path
from recorder.sandbox import Sandbox
from recorder.source import Source, reading
from tests.contract.programs import frame
from tests.recorder.odd import ODD
from tests.recorder.recordings import (
    NOTICED,
    change,
    end,
    finished,
    record,
    session_id,
    start,
    tokens,
    writing,
)

SESSION = 1


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of 30 token frames in commits of ten, behind another one."""
    return finished(tmp_path_factory.mktemp("chain") / "run.duckdb")


@pytest.fixture
def copy(recording: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copy(recording, tmp_path / "run.duckdb"))


def read(path: Path, session: int = SESSION) -> tuple[list[Commit], list[bool], bool | None]:
    """The commits of a session, whether each fits, and whether its end does (None without one)."""
    with closing(Sandbox([real_path(path)])) as sandbox:
        return examined(Source(path, sandbox).connection, session)


def examined(connect: Connect, session: int) -> tuple[list[Commit], list[bool], bool | None]:
    """The same of a file that is open already."""
    digest = chain.first_digest(start_row(connect, session) or ())
    found, fits = [], []
    for commit in commits(connect, session, links(connect, session)):
        found.append(commit)
        if commit.link is not None:
            fits.append(commit.fits(digest))
            digest = commit.link.digest
    last = end_row(connect, session)
    return found, fits, None if last is None else chain.last_digest(digest, last[0]) == last[1]


def verdict(path: Path, session: int = SESSION) -> tuple[list[bool], bool | None]:
    """Whether each commit of a session fits, and its end."""
    _, fits, last = read(path, session)
    return fits, last


def test_an_untouched_session_is_vouched_for(recording: Path) -> None:
    """Every commit fits the digest before it, and the end fits the last."""
    assert verdict(recording) == ([True, True, True], True)


def test_a_commit_has_its_own_rows(recording: Path) -> None:
    """Frames and contexts come back in the commits that they were written in."""
    found, _, _ = read(recording)

    assert [([row.ordinal for row in each.frames], len(each.contexts)) for each in found] == [
        (list(range(10)), 1),
        (list(range(10, 20)), 0),
        (list(range(20, 30)), 0),
        ([], 0),
    ]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """A recording with a session of each odd frame, which stays open."""
    path = tmp_path_factory.mktemp("odd") / "run.duckdb"
    with writing(path) as writer:
        for number, name in enumerate(ODD):
            record(writer, number, [ODD[name]])
    with reading(path) as connection:
        yield lambda: nullcontext(connection)


@pytest.mark.parametrize("number", range(len(ODD)), ids=ODD)
def test_every_frame_is_vouched_for(number: int, odd: Connect) -> None:
    """Whatever a frame holds, its digest is the same when it is read again."""
    found, fits, last = examined(odd, number)

    assert ([len(each.frames) for each in found], fits, last) == ([1, 0], [True], True)


def test_gaps_are_vouched_for_in_their_commit(tmp_path: Path) -> None:
    """Gaps at the end of a commit, at the beginning of one, and alone in one belong to theirs."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        writer.begin(start(0))
        for ordinal in range(3):
            writer.add_gap(session_id(0), 1, "queue_full", NOTICED)
            writer.add(session_id(0), ordinal, 0, frame(ordinal))
            writer.add_gap(session_id(0), 2, "redaction", NOTICED)
            writer.flush()
            writer.add_gap(session_id(0), 3, "recording", NOTICED)
            writer.flush()
        writer.end(session_id(0), end(3))
        writer.flush()
    found, fits, last = read(path, 0)

    assert (fits, last) == ([True] * 6, True)
    assert [[gap.frames for gap in each.gaps] for each in found] == [[1, 2], [3]] * 3 + [[]]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_frames SET chunk = 'x' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET offset_ns = 1 WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET timestamp = '2026-01-01' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET type = 'x' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET id_text = 'x' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET seq = 99 WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET parent_id = 'x' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET previous_id = '' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET tool_call = '{}' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET data = '{}' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET raw = '{}' WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET context = 7 WHERE session = 1 AND ordinal = 12",
        "UPDATE stored_frames SET ordinal = 13 - ordinal + 12 WHERE session = 1 AND ordinal IN (12, 13)",
        "DELETE FROM stored_frames WHERE session = 1 AND ordinal = 12",
        "INSERT INTO stored_frames FROM stored_frames WHERE session = 1 AND ordinal = 12",
    ],
)
def test_a_changed_row_breaks_its_commit(statement: str, copy: Path) -> None:
    """The commit that held the row does not fit any more; those before and after it still do."""
    change(copy, statement)

    assert verdict(copy) == ([True, False, True], True)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE contexts SET channel = 'x' WHERE session = 1", ([False, True, True], True)),
        ("UPDATE contexts SET data = '{}' WHERE session = 1", ([False, True, True], True)),
        ("UPDATE session_starts SET host = 'x' WHERE session = 1", ([False, True, True], True)),
        ("UPDATE session_ends SET result = 'x' WHERE session = 1", ([True, True, True], False)),
        ("UPDATE session_ends SET state = 'failed' WHERE session = 1", ([True, True, True], False)),
        ("UPDATE session_ends SET span_count = 9 WHERE session = 1", ([True, True, True], False)),
        ("UPDATE chain SET digest = 'x' WHERE session = 1 AND frames = 20", ([True, False, False], True)),
        ("DELETE FROM chain WHERE session = 1 AND frames = 20", ([True, False], True)),
        ("DELETE FROM chain WHERE session = 1 AND frames = 30", ([True, True], False)),
        ("DELETE FROM session_ends WHERE session = 1", ([True, True, True], None)),
    ],
)
def test_a_change_is_found_where_it_is(
    statement: str, expected: tuple[list[bool], bool | None], copy: Path
) -> None:
    """Start, contexts, links and end are covered, each by the digest that comes next."""
    change(copy, statement)

    assert verdict(copy) == expected


def test_frames_without_a_link_are_told_apart(copy: Path) -> None:
    """What no link covers comes behind what links cover."""
    change(copy, "DELETE FROM chain WHERE session = 1 AND frames > 10")
    found, _, _ = read(copy)

    assert [(each.link is None, len(each.frames)) for each in found] == [(False, 10), (True, 20), (True, 0)]


def test_a_hole_in_the_ordinals_is_no_endless_search(copy: Path) -> None:
    """A frame with an ordinal that is far away is found, and nothing is looked for in between."""
    change(copy, f"UPDATE stored_frames SET ordinal = {2**62} WHERE session = 1 AND ordinal = 29")
    found, _, _ = read(copy)

    assert [row.ordinal for each in found for row in each.frames] == [*range(29), 2**62]


def test_tokens_of_many_windows_come_in_order(tmp_path: Path) -> None:
    """A session that is longer than what is looked at together is read whole."""
    path = tmp_path / "run.duckdb"
    with writing(path) as writer:
        writer.begin(start(0))
        for ordinal, each in enumerate(tokens(3_500)):
            writer.add(session_id(0), ordinal, 0, each)
            if ordinal % 700 == 699:
                writer.flush()
        writer.flush()
    found, fits, last = read(path, 0)

    assert ([row.ordinal for each in found for row in each.frames], fits, last) == (
        list(range(3_500)),
        [True] * 5,
        None,
    )
