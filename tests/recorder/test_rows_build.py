"""Frames that are built without pydantic's validation are as those that went through it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from pydantic import BaseModel, PrivateAttr

from otelstream.frame import StreamFrame, envelope_of
from recorder.rows import build_frame, builder, converter
from tests.contract.programs import frame
from tests.recorder.odd import EXTRA


class Plain(BaseModel):
    """The envelope as CrewAI declares it, without room for other fields."""

    id: str
    seq: int | None = None
    type: str
    channel: str
    namespace: list[str] = []
    timestamp: Any
    parent_id: str | None = None
    previous_id: str | None = None
    data: dict[str, Any] = {}


class Newer(Plain):
    """The envelope of a runtime to come, with another field and something of its own."""

    tenant: str = "nobody"
    _seen: int = PrivateAttr(default=7)


def state(of: BaseModel) -> dict[str, object]:
    """All that pydantic keeps of a model."""
    return dict(of.__getstate__())


def built() -> StreamFrame:
    """A frame that was built."""
    return build_frame(envelope_of(frame()))


def test_a_built_frame_is_a_validated_one() -> None:
    """Nothing that pydantic keeps of the two differs."""
    assert state(built()) == state(StreamFrame.model_validate(envelope_of(frame())))


def test_a_built_frame_of_another_class_is_a_validated_one() -> None:
    """A class that keeps no further fields has none to keep."""
    assert state(builder(Plain)(envelope_of(frame()))) == state(Plain.model_validate(envelope_of(frame())))


def test_a_built_frame_with_an_unknown_field_is_a_validated_one() -> None:
    """The field is kept where the class keeps such."""
    assert state(build_frame(envelope_of(EXTRA))) == state(StreamFrame.model_validate(envelope_of(EXTRA)))


def test_an_unknown_field_is_dropped_where_the_class_keeps_none() -> None:
    """The frame is what the class makes of it."""
    assert state(builder(Plain)(envelope_of(EXTRA))) == state(Plain.model_validate(envelope_of(EXTRA)))


def test_a_newer_class_gets_its_defaults() -> None:
    """What the recording does not say of a frame is what the class says."""
    found = builder(Newer)(envelope_of(frame()))

    assert (state(found), found._seen) == (state(Newer.model_validate(envelope_of(frame()))), 7)


def test_a_newer_class_gets_a_field_that_it_knows() -> None:
    """A field that is unknown to us is given to a class that declares it."""
    fields = {**envelope_of(frame()), "tenant": "acme"}

    assert state(builder(Newer)(fields)) == state(Newer.model_validate(fields))


def test_a_frame_of_our_own_class_is_not_built_again() -> None:
    """It is the very frame."""
    original = frame()

    assert converter(StreamFrame)(original) is original


def test_a_frame_is_built_again_as_another_class() -> None:
    """It has what the class declares."""
    assert state(converter(Plain)(EXTRA)) == state(Plain.model_validate(envelope_of(EXTRA)))


def test_what_is_done_to_one_frame_is_done_to_no_other() -> None:
    """Frames share the names of their fields, which nothing that sets, copies or drops fields changes."""
    one, other = built(), built()
    one.seq = 99
    one.tenant = "acme"  # type: ignore[attr-defined]  # a field that is unknown, which the class allows
    changed = one.model_copy(update={"seq": 5, "tenant": "acme", "more": 1})
    copies = [copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    for each in (changed, *copies):
        each.model_fields_set.discard("seq")
        each.model_fields_set.add("more")
    del one.tenant  # type: ignore[attr-defined]  # as above

    assert state(other) == state(StreamFrame.model_validate(envelope_of(frame())))


def test_frames_share_nothing_that_holds_their_values() -> None:
    """A list or a mapping that belongs to one frame belongs to no other."""
    one, other = built(), built()
    one.namespace.append("changed")
    one.data["changed"] = True
    one.__dict__["changed"] = True

    assert state(other) == state(StreamFrame.model_validate(envelope_of(frame())))
