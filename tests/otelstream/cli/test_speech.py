"""Calls that stream at the same time: one speaks, the others wait for their turn, and nothing is lost."""

from __future__ import annotations

from otelstream.cli.speech import PATIENCE_NS, Floor, Said, Speaker

A, B, C = Speaker("a"), Speaker("b"), Speaker("c")


def test_one_call_speaks_at_once() -> None:
    """What nobody else interrupts is shown as it comes."""
    floor = Floor()

    assert [list(floor.say(A, text, 0)) for text in ("Hel", "lo")] == [[Said(A, "Hel")], [Said(A, "lo")]]


def test_others_wait_in_the_middle_of_a_line() -> None:
    """Their text is kept together."""
    floor = Floor()
    list(floor.say(A, "Hel", 0))

    assert [
        list(said)
        for said in (
            floor.say(B, "Gu", 1),
            floor.say(C, "Bon", 2),
            floor.say(B, "ten", 3),
            floor.say(A, "lo", 4),
        )
    ] == [[], [], [], [Said(A, "lo")]]


def test_the_turn_passes_at_the_end_of_a_line() -> None:
    """To who has waited longest, and on at the end of that line."""
    floor = Floor()
    for speaker, text in ((A, "Hel"), (B, "Guten Tag\n"), (C, "Bonjour")):
        list(floor.say(speaker, text, 0))

    assert list(floor.say(A, "lo\n", 1)) == [Said(A, "lo\n"), Said(B, "Guten Tag\n"), Said(C, "Bonjour")]


def test_the_turn_passes_with_the_end_of_a_call() -> None:
    """Whoever waited speaks, and whoever speaks next need not wait for a call that has ended."""
    floor = Floor()
    list(floor.say(A, "Hello", 0))
    list(floor.say(B, "Guten", 1))

    assert [list(said) for said in (floor.leave(A, 2), floor.leave(B, 3), floor.say(C, "Bonjour", 4))] == [
        [Said(B, "Guten")],
        [],
        [Said(C, "Bonjour")],
    ]


def test_a_call_that_ends_while_it_waits_is_heard() -> None:
    """All that it said comes before its end does."""
    floor = Floor()
    list(floor.say(A, "Hel", 0))
    list(floor.say(B, "Guten Tag", 1))

    assert (list(floor.leave(B, 2)), list(floor.say(A, "lo", 3))) == ([Said(B, "Guten Tag")], [Said(A, "lo")])


def test_nobody_waits_for_ever() -> None:
    """A call that never ends its line is interrupted."""
    floor = Floor()
    list(floor.say(A, "Once upon", 0))
    list(floor.say(B, "Guten", 5))

    before, after = (list(floor.say(A, " a", 4 + PATIENCE_NS)), list(floor.say(A, " time", 5 + PATIENCE_NS)))

    assert (before, after) == ([Said(A, " a")], [Said(A, " time"), Said(B, "Guten")])


def test_what_is_left_is_told_at_the_end() -> None:
    """In the order in which they began to wait, each once."""
    floor = Floor()
    for speaker, text in ((A, "Hel"), (C, "Bon"), (B, "Guten"), (C, "jour")):
        list(floor.say(speaker, text, 0))

    assert (list(floor.clear()), list(floor.clear())) == ([Said(C, "Bonjour"), Said(B, "Guten")], [])
