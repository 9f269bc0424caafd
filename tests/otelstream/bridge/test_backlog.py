"""What waits until a file is free: in order, within the room, and one gap where there was none."""

from __future__ import annotations

from otelstream.bridge.backlog import SESSION_BYTES, Backlog, Room


def done(backlog: Backlog) -> None:
    """Do what waits, with nothing between."""
    backlog.run(lambda: None)


def test_steps_run_in_their_order() -> None:
    """Each once, with something after each."""
    said: list[object] = []
    backlog = Backlog(Room(1_000_000), said.append)
    for name in ("a", "b"):
        backlog.add(lambda name=name: said.append(name), frames=1, weight=10)  # type: ignore[misc]  # a default
    backlog.run(lambda: said.append("-"))
    done(backlog)

    assert said == ["a", "-", "b", "-"]


def test_frames_for_which_there_is_no_room_are_one_gap() -> None:
    """At the place where they were, whatever comes behind; the end needs no room."""
    said: list[object] = []
    backlog = Backlog(Room(SESSION_BYTES + 100), said.append)
    taken = [
        backlog.add(lambda: said.append("first"), frames=2, weight=100),
        backlog.add(lambda: said.append("big"), frames=3, weight=1),
        backlog.add(lambda: said.append("late"), frames=4, weight=0),
        backlog.add(lambda: said.append("end")),
    ]
    done(backlog)

    assert (taken, said) == ([True, False, False, True], ["first", 7, "end"])


def test_sessions_share_the_room() -> None:
    """What one of them has is not there for another, until it is done or given up."""
    room = Room(2 * SESSION_BYTES + 100)
    first, second = Backlog(room, int), Backlog(room, int)
    before = [each.add(int, frames=1, weight=100) for each in (first, second)]
    done(first)
    lost = second.drop()

    assert (before, lost, room.left) == ([True, False], 0, 2 * SESSION_BYTES + 100)
