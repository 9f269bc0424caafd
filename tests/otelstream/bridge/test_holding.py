"""How many frames may not be held back any longer."""

from __future__ import annotations

from otelstream.bridge.holding import HELD_BYTES, HELD_NS, Holding


def test_what_has_waited_long_enough_is_due() -> None:
    """Frames of a round are due when their time has passed, but for those that have left."""
    holding = Holding()
    holding.took(3, 10, 0)
    holding.took(2, 10, 5)
    holding.left(1)
    assert [holding.due(now) for now in (HELD_NS - 1, HELD_NS, HELD_NS + 5)] == [0, 2, 4]


def test_too_much_is_due_but_for_the_last_round() -> None:
    """What would take too much memory leaves at once."""
    holding = Holding()
    holding.took(3, HELD_BYTES, 0)
    holding.took(2, 1, 0)
    assert holding.due(0) == 3


def test_what_has_left_is_not_due() -> None:
    """Rounds of which nothing is left are forgotten."""
    holding = Holding()
    holding.took(3, 1, 0)
    holding.took(2, 1, 0)
    holding.left(5)
    assert holding.due(HELD_NS) == 0
