"""What a session with `for` says of itself in every state it can be in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.contract.conftest import Kind
from tests.contract.programs import (
    DONE,
    FAILED,
    GATE,
    NO_RESULT,
    NOT_YET,
    RAISED,
    TYPES,
    Status,
    Sync,
    consume,
    status_of,
    types_of,
)


def first(session: Sync) -> None:
    """Take one frame and leave the loop."""
    for _ in session:
        break


def left_by_exception(session: Sync) -> None:
    """Leave the loop and the context by an exception."""
    with session:
        for _ in session:
            raise KeyError("of the loop")


@contextmanager
def gate_that_opens_when_closing(session: Sync) -> Iterator[None]:
    """Let a waiting program end only after the session began to close."""

    def watch() -> None:
        while not session.is_cancelled:
            time.sleep(0)
        GATE.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    watcher.join()


def test_before_the_first_frame(kind: Kind) -> None:
    """Asking for the result too early is an error that says what to do."""
    session = kind.stream(kind.world.works)

    assert status_of(session) == Status(completed=False, exhausted=False, cancelled=False, result=NOT_YET)


def test_between_two_frames(kind: Kind) -> None:
    """A session that is being iterated has no result yet."""
    session = kind.stream(kind.world.works)
    frames = iter(session)
    next(frames)

    assert status_of(session) == Status(completed=False, exhausted=False, cancelled=False, result=NOT_YET)


def test_after_the_last_frame(kind: Kind) -> None:
    """A session that was consumed has its result."""
    session = kind.stream(kind.world.works)
    consume(session)

    assert status_of(session) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_after_an_error(kind: Kind) -> None:
    """A failed session is completed, not exhausted, and its result is the exception."""
    session = kind.stream(kind.world.fails)
    consume(session)

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=False, result=RAISED)


def test_after_break(kind: Kind) -> None:
    """Leaving the loop completes a session without exhausting it."""
    session = kind.stream(kind.world.works)
    first(session)

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=False, result=NO_RESULT)


def test_iterating_again_after_break_yields_the_rest(kind: Kind) -> None:
    """A second loop goes on where the first was left, and no frame is lost or repeated."""
    session = kind.stream(kind.world.works)
    first(session)

    assert types_of(session) == TYPES[1:]


def test_iterating_again_after_break_gives_the_result(kind: Kind) -> None:
    """After the second loop the session is as if there had been one."""
    session = kind.stream(kind.world.works)
    first(session)
    consume(session)

    assert status_of(session) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_iterating_a_failed_run_again_after_break_raises(kind: Kind) -> None:
    """The exception comes where it came live: behind the last frame, in whichever loop that is."""
    session = kind.stream(kind.world.fails)
    first(session)

    with pytest.raises(ValueError, match=r"^boom$"):
        list(session)
    assert types_of(session.frames) == FAILED


def test_iterating_again_after_an_error_yields_nothing(kind: Kind) -> None:
    """A failed session has no more frames, not even the ones it had."""
    session = kind.stream(kind.world.fails)
    consume(session)

    assert list(session) == []


def test_iterating_again_after_an_error_keeps_the_error(kind: Kind) -> None:
    """The second loop exhausts the session, and its result still raises."""
    session = kind.stream(kind.world.fails)
    consume(session)
    consume(session)

    assert status_of(session) == Status(completed=True, exhausted=True, cancelled=False, result=RAISED)


def test_after_close_before_the_first_frame(kind: Kind) -> None:
    """A program that never started is cancelled without a result."""
    session = kind.stream(kind.world.works)
    session.close()

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)


def test_iterating_after_close_before_the_first_frame(kind: Kind) -> None:
    """A session that was closed unused is empty."""
    session = kind.stream(kind.world.works)
    session.close()
    frames = consume(session)

    assert (frames, status_of(session)) == (
        [],
        Status(completed=True, exhausted=True, cancelled=True, result=NO_RESULT),
    )


def test_close_midway_waits_for_the_result(kind: Kind) -> None:
    """Closing waits until the run has ended, so its result is there although not all frames were taken."""
    session = kind.stream(kind.world.waits)
    first(session)
    with gate_that_opens_when_closing(session):
        session.close()

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=DONE)


def test_iterating_after_close_midway(kind: Kind) -> None:
    """A closed session has no more frames than were taken from it."""
    session = kind.stream(kind.world.works)
    first(session)
    session.close()
    frames = consume(session)

    assert (types_of(frames), status_of(session)) == (
        TYPES[:1],
        Status(completed=True, exhausted=True, cancelled=True, result=DONE),
    )


def test_close_midway_hides_an_error_that_was_not_reached(kind: Kind) -> None:
    """A run that fails while it is being closed has no result, and its exception is not told."""
    session = kind.stream(kind.world.fails)
    first(session)
    session.close()

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)


def test_close_after_the_last_frame(kind: Kind) -> None:
    """Closing a consumed session changes nothing."""
    session = kind.stream(kind.world.works)
    consume(session)
    session.close()

    assert status_of(session) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_close_after_an_error(kind: Kind) -> None:
    """Closing a failed session changes nothing."""
    session = kind.stream(kind.world.fails)
    consume(session)
    session.close()

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=False, result=RAISED)


def test_close_twice(kind: Kind) -> None:
    """The second close changes nothing."""
    session = kind.stream(kind.world.works)
    first(session)
    session.close()
    session.close()

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=DONE)


def test_leaving_the_context_early(kind: Kind) -> None:
    """The end of a `with` closes a session that was not consumed."""
    with kind.stream(kind.world.works) as session:
        first(session)

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=DONE)


def test_leaving_the_context_unused(kind: Kind) -> None:
    """The end of a `with` closes a session that was not begun."""
    with kind.stream(kind.world.works) as session:
        pass

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=NO_RESULT)


def test_leaving_the_context_after_the_last_frame(kind: Kind) -> None:
    """The end of a `with` leaves a consumed session as it is."""
    with kind.stream(kind.world.works) as session:
        consume(session)

    assert status_of(session) == Status(completed=True, exhausted=True, cancelled=False, result=DONE)


def test_leaving_the_context_by_an_exception_of_the_program(kind: Kind) -> None:
    """What the loop body raises reaches the program, and the session is closed on the way."""
    session = kind.stream(kind.world.works)
    with pytest.raises(KeyError, match="of the loop"):
        left_by_exception(session)

    assert status_of(session) == Status(completed=True, exhausted=False, cancelled=True, result=DONE)
