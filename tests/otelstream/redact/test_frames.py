"""Everything that a frame tells of its own is masked; what frames name each other by stays."""

from __future__ import annotations

from typing import Any

import pytest

from otelstream.frame import StreamFrame, frame_json, parse_frame
from otelstream.redact import Redactor, redacted, redacted_frame
from otelstream.testing import make_frame

KEY = "sk-AbCdEf0123456789GhIjKl"
REDACTOR = Redactor()


def frame(**fields: Any) -> StreamFrame:  # noqa: ANN401  fields of any type
    """Return a frame of no known type with these fields."""
    return StreamFrame.model_validate({**make_frame("my_event", id="f1").model_dump(), **fields})


@pytest.mark.parametrize(
    ("fields", "masked"),
    [
        ({"type": f"my_{KEY}"}, {"type": "my_REDACTED"}),
        ({"channel": KEY}, {"channel": "REDACTED"}),
        ({"namespace": ["a", KEY]}, {"namespace": ["a", "REDACTED"]}),
        ({"data": {"note": KEY}}, {"data": {"note": "REDACTED"}}),
        ({"note": [KEY]}, {"note": ["REDACTED"]}),
        ({"api_key": "x", "later": True}, {"api_key": "REDACTED", "later": True}),
        ({KEY: 1}, {"REDACTED": 1}),
    ],
)
def test_each_field_of_a_frame_is_masked(fields: dict[str, Any], masked: dict[str, Any]) -> None:
    """Type, channel, namespace, data and the fields that this version does not know, also by their names."""
    assert redacted_frame(frame(**fields), REDACTOR) == frame(**masked)


def test_a_frame_without_secrets_is_the_same_object() -> None:
    """Also with unknown fields; and its JSON is therefore the same."""
    plain = frame(later=True, note="x")
    assert redacted_frame(plain, REDACTOR) is plain


def test_the_order_of_unknown_fields_stays() -> None:
    """What is masked is written where it was."""
    line = frame_json(frame(first="x", note=KEY, last=1))
    assert frame_json(redacted_frame(parse_frame(line), REDACTOR)) == line.replace(KEY, "REDACTED")


def test_ids_stay() -> None:
    """Frames name each other by them."""
    named = frame(id=KEY, parent_id=KEY, previous_id=KEY)
    assert redacted_frame(named, REDACTOR) is named


def test_the_type_is_not_given_to_the_function_of_the_user() -> None:
    """A function that changes every string must not make another kind of frame of it."""
    upper = Redactor(function=str.upper)
    plain = frame(data={"a": "b"}, namespace=[])
    assert redacted_frame(plain, upper) == frame(data={"a": "B"}, namespace=[])


def test_token_frames_that_differ_in_their_envelope_are_masked_one_by_one() -> None:
    """A token frame like the last one may have another channel or more fields."""
    token = {"call_id": "c", "chunk": "x"}
    frames = [frame(data=token), frame(data=token, channel=KEY), frame(data=token, note=KEY)]
    expected = [frame(data=token), frame(data=token, channel="REDACTED"), frame(data=token, note="REDACTED")]
    assert list(redacted(frames, REDACTOR)) == expected
