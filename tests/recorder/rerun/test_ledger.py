"""Which recorded call answers which live one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from recorder.rerun.calls import CallName, RecordedCall
from recorder.rerun.ledger import Ledger
from recorder.rerun.requests import Kind, Request, model_request


def call(
    ordinal: int, place: str, asked: str, kind: Kind = "llm", inside: tuple[int, ...] = ()
) -> RecordedCall:
    """A recorded call."""
    return RecordedCall(CallName(kind, ordinal, (place,)), ordinal, request(asked, kind), (), inside, ())


def request(asked: str, kind: Kind = "llm") -> Request:
    """What it asks."""
    return Request(kind, {"messages": asked})


def uuid(number: int) -> str:
    """An id."""
    return f"0b6a3c1e-8a4f-4d8e-9a51-0c2d3e4f5a6{number}"


def about(customer: str) -> Request:
    """A question about a customer."""
    return model_request({"model": "gpt", "messages": f"Who is {customer}?"})


def ordinals(calls: Iterable[RecordedCall]) -> list[int]:
    """Which calls these are."""
    return [each.ordinal for each in calls]


def taken(ledger: Ledger, place: str, asked: str) -> int | None:
    """The ordinal of the call that answers."""
    found = ledger.take((place,), request(asked))
    return None if found is None else found.ordinal


def test_a_call_is_found_by_place_and_request() -> None:
    """In whichever order branches come; first come, first served would give one the other's answer."""
    ledger = Ledger([call(0, "left", "tea?"), call(1, "right", "tea?"), call(2, "left", "milk?")])

    assert [
        taken(ledger, "left", "milk?"),
        taken(ledger, "right", "tea?"),
        taken(ledger, "left", "tea?"),
    ] == [
        2,
        1,
        0,
    ]


def test_equal_calls_are_given_in_their_order_and_once() -> None:
    """The third of two is none."""
    ledger = Ledger([call(0, "left", "tea?"), call(1, "left", "tea?")])

    assert [taken(ledger, "left", "tea?") for _ in range(3)] == [0, 1, None]


def test_ids_tell_apart_what_is_equal_but_for_them() -> None:
    """Whoever asks about a customer gets no answer about another; new ids are answered in order."""
    customers = [uuid(9), uuid(8), uuid(7)]
    ledger = Ledger([replace(call(at, "a", ""), request=about(one)) for at, one in enumerate(customers)])
    found = [ledger.take(("a",), about(one)) for one in (customers[2], uuid(1), customers[1], uuid(2))]

    assert ordinals(each for each in found if each is not None) == [2, 0, 1]


def test_another_place_or_kind_is_another_call() -> None:
    """Though the same is asked."""
    ledger = Ledger([call(0, "left", "tea?")])

    assert taken(ledger, "right", "tea?") is None
    assert ledger.take(("left",), request("tea?", "tool")) is None


def test_what_was_not_asked_for_is_told() -> None:
    """By kind, too, and apart from what was."""
    ledger = Ledger([call(0, "a", "tea?"), call(1, "a", "milk?"), call(2, "a", "spoon", "tool")])
    taken(ledger, "a", "milk?")

    assert (ordinals(ledger.served()), ordinals(ledger.unused()), ordinals(ledger.unused("llm"))) == (
        [1],
        [0, 2],
        [0],
    )


def test_calls_inside_of_a_tool_that_does_not_run_are_passed_over() -> None:
    """They are neither given to others nor left over."""
    tool = call(0, "a", "ask", "tool")
    ledger = Ledger([tool, call(1, "a", "tea?", inside=(0,)), call(2, "a", "tea?")])
    ledger.take(("a",), tool.request)
    ledger.pass_over(tool)

    assert (taken(ledger, "a", "tea?"), ordinals(ledger.unused())) == (2, [])
