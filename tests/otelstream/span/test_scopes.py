"""The scopes: which are open where a frame was emitted."""

from __future__ import annotations

import pytest

from otelstream.span import scopes
from otelstream.span.rules import METHOD, PAIRS
from otelstream.span.scopes import OpenSpan, Scope, Scopes, key_of
from otelstream.testing import make_frame

METHODS, CALLS = PAIRS[1], next(pair for pair in PAIRS if pair.key == "call_id")
SPAN = OpenSpan("a", METHOD, None, 0)


def test_only_so_many_frames_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: the oldest place is forgotten, and no other."""
    monkeypatch.setattr(scopes, "REMEMBERED_FRAMES", 3)
    known = Scopes()
    for number in range(5):
        known.remember(make_frame("tick", id=f"f{number}"), None, SPAN)
    assert [known.place_of(f"f{number}") is not None for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_forgotten_frame_is_replaced_by_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that follows a forgotten one stands in the scope that it names."""
    monkeypatch.setattr(scopes, "REMEMBERED_FRAMES", 1)
    known = Scopes()
    scope = Scope("a", METHODS, None, None, SPAN)
    known.open(scope)
    known.remember(make_frame("method_execution_started", id="a"), scope, SPAN)
    known.remember(make_frame("tick", id="b"), None, SPAN)
    assert known.enclosing(make_frame("tick", id="c", parent="a", previous="a")) is scope


@pytest.mark.parametrize("odd", [None, 5, [], {}])
def test_what_is_no_id_is_not_known(odd: object) -> None:
    """A reference that is no text leads nowhere."""
    known = Scopes()
    assert (known.place_of(odd), known.opened_by(odd), known.keyed("llm_call_started", None)) == (
        None,
        None,
        None,
    )


def test_a_call_of_another_pair_is_not_ended() -> None:
    """An end that names a scope of another type ends nothing."""
    known = Scopes()
    known.open(Scope("a", METHODS, None, None, SPAN))
    end = make_frame("llm_call_completed", id="b", data={"started_event_id": "a"})
    assert known.ended_by(end, CALLS, None) is None


@pytest.mark.parametrize(
    ("value", "key"), [("c1", "c1"), (5, "5"), (["c1"], None), (None, None), (1.5, None)]
)
def test_a_key_is_text_or_a_number(value: object, key: str | None) -> None:
    """A key of another type is none; the number of a step is one."""
    assert key_of(make_frame("llm_call_started", data={"call_id": value}), CALLS) == key


def test_a_pair_without_a_key_has_none() -> None:
    """Only pairs that declare one are told apart by a key."""
    assert key_of(make_frame("method_execution_started", data={"call_id": "c1"}), METHODS) is None


def test_the_ancestry_begins_with_the_span() -> None:
    """Innermost first, up to the root."""
    child = OpenSpan("b", METHOD, SPAN, 0)
    assert list(child.ancestry()) == [child, SPAN]
