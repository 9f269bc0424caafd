"""One frame of a stream: CrewAI's envelope, its exact JSON form, and its time in nanoseconds.

Works with no CrewAI installed, and must not import it; wherever a frame is only read, anything with the
envelope's attributes will do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from otelstream.errors import FrameError

OutcomeState = Literal["completed", "failed", "cancelled", "cut"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)


class FrameLike(Protocol):
    """What is read of a frame: the attributes of `crewai.types.streaming.StreamFrame`."""

    @property
    def id(self) -> str: ...
    @property
    def seq(self) -> int | None: ...
    @property
    def type(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def namespace(self) -> list[str]: ...
    @property
    def timestamp(self) -> datetime: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def previous_id(self) -> str | None: ...
    @property
    def data(self) -> dict[str, Any]: ...


class StreamFrame(BaseModel):
    """The envelope of `crewai.types.streaming.StreamFrame`, field by field and in its order.

    Two liberties, so that frames of a newer runtime can be read: an unknown `channel` is kept as it is,
    and unknown fields of the envelope are kept behind the known ones.
    """

    model_config = ConfigDict(extra="allow")

    id: str = Field(description="Unique frame/event identifier")
    seq: int | None = Field(default=None, description="Execution-local order; neither unique nor monotone")
    type: str = Field(description="Source event type")
    channel: str = Field(description="High-level stream channel")
    namespace: list[str] = Field(default_factory=list)
    timestamp: datetime
    parent_id: str | None = None
    previous_id: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def content(self) -> str:
        """Printable text of a token-like frame, otherwise an empty string."""
        chunk = self.data.get("chunk")
        return chunk if isinstance(chunk, str) else ""

    @property
    def event(self) -> dict[str, Any]:
        """The source event's payload: `data` under its other name."""
        return self.data


ENVELOPE: Final = tuple(StreamFrame.model_fields)
"""The names of the envelope's fields, in the order of their JSON form."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stream ended.

    Attributes:
        state: `completed`, `failed` (the run raised), `cancelled` (the consumer closed or left it) or
            `cut` (the recording process died).
        ended_ns: When it ended, in nanoseconds since the epoch.
        error_type: Qualified class name of the exception of a failed run.
        error_message: Its text.
    """

    state: OutcomeState
    ended_ns: int
    error_type: str | None = None
    error_message: str | None = None


def parse_frame(line: str | bytes) -> StreamFrame:
    """Read one frame from its JSON form.

    Args:
        line: One JSON object, as `model_dump_json()` writes it.

    Returns:
        The frame.

    Raises:
        FrameError: The line is no JSON object or lacks a field of the envelope.
    """
    try:
        return StreamFrame.model_validate(decode_json(line))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise FrameError(f"not a stream frame: {where}: {first['msg']}") from None
    except ValueError as error:
        raise FrameError(f"not valid JSON: {error}") from None


def frame_json(frame: FrameLike) -> str:
    """Return the JSON form of a frame: the bytes of CrewAI's `StreamFrame.model_dump_json()`.

    Where CrewAI's own method would raise (lone surrogates, deep nesting) the text is plain ASCII JSON
    with the same meaning; NaN and infinities become `null`, as they do there.
    """
    if isinstance(frame, BaseModel):
        try:
            text = frame.model_dump_json()
        except PydanticSerializationError:
            pass
        else:
            if is_faithful(text, envelope_of(frame), "null"):
                return text
    envelope = {name: value for name, value in envelope_of(frame).items() if name != "data"}
    head = encode_json(envelope)[:-1]
    return f'{head},"data":{encode_json(frame.data, nan="null")}}}'


def envelope_of(frame: FrameLike) -> dict[str, Any]:
    """Return the envelope of any frame as a mapping in the order of its JSON form, unknown fields last."""
    known: dict[str, Any] = {
        "id": frame.id,
        "seq": frame.seq,
        "type": frame.type,
        "channel": frame.channel,
        "namespace": frame.namespace,
        "timestamp": frame.timestamp,
        "parent_id": frame.parent_id,
        "previous_id": frame.previous_id,
        "data": frame.data,
    }
    return {**known, **extra_fields(frame)}


def extra_fields(frame: FrameLike) -> Mapping[str, Any]:
    """Return the envelope fields of a frame that this version does not know."""
    # Asked once per class: `isinstance` of a pydantic model is slow, and this is asked for every token.
    if not _may_have_extra(type(frame)):
        return _NOTHING
    return frame.model_extra or _NOTHING  # type: ignore[attr-defined]  # a pydantic model, as was asked


@cache
def _may_have_extra(kind: type) -> bool:
    return issubclass(kind, BaseModel) and kind.model_config.get("extra") == "allow"


_NOTHING: Final[Mapping[str, Any]] = {}


def with_fields(frame: FrameLike, fields: Mapping[str, Any]) -> StreamFrame:
    """Return a copy of a frame that has the given fields and no unknown ones but those, nothing checked."""
    known = {name: value for name, value in envelope_of(frame).items() if name in StreamFrame.model_fields}
    return StreamFrame.model_construct(**{**known, **fields})


def encode_json(value: object, *, nan: Literal["null", "constants"] = "constants") -> str:
    """Return JSON text of a value in pydantic's spelling, or in plain ASCII where pydantic refuses it.

    Never raises for what a frame can hold: lone surrogates are escaped, and an object that JSON does not
    know is written as its `repr`.
    """
    try:
        text = to_json(value, inf_nan_mode=nan, fallback=repr).decode()
    except (PydanticSerializationError, ValueError, RecursionError):
        return _ascii_json(value, nan)
    return text if is_faithful(text, value, nan) else _ascii_json(value, nan)


def is_faithful(text: str, value: object, nan: Literal["null", "constants"]) -> bool:
    """Tell whether pydantic's JSON text of a value says what the value says.

    It does but for keys with lone surrogates, which pydantic silently writes as U+FFFD.
    """
    if "\ufffd" not in text:
        return True
    return json.dumps(json.loads(text)) == json.dumps(json.loads(_ascii_json(value, nan)))


def _integer(digits: str) -> int:
    # Python refuses to convert more than 4,300 digits of text; a frame may hold them all the same.
    return int(digits) if len(digits) < 4_000 else int(Decimal(digits))


def _ascii_json(value: object, nan: Literal["null", "constants"]) -> str:
    try:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_plain)
    except RecursionError:
        return '{"otelstream":"nested too deeply to be written"}'
    if nan == "constants" or not ("NaN" in text or "Infinity" in text):
        return text
    return json.dumps(json.loads(text, parse_constant=lambda _: None), separators=(",", ":"))


def _plain(value: object) -> object:
    return from_json(to_json(value)) if isinstance(value, datetime) else repr(value)


def decode_json(text: str | bytes) -> Any:  # noqa: ANN401  JSON is any value
    """Return the value of a JSON text written by `encode_json` or by CrewAI.

    Raises:
        ValueError: The text is no JSON.
    """
    try:
        return from_json(text, allow_inf_nan=True)
    except ValueError:
        pass
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply to be read") from None


def timestamp_ns(frame: FrameLike) -> int:
    """Return a frame's timestamp in nanoseconds since the epoch; a naive one is taken as UTC."""
    return datetime_ns(frame.timestamp)


def datetime_ns(moment: datetime) -> int:
    """Return a moment in nanoseconds since the epoch, exact to its microsecond; a naive one is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // _MICROSECOND * 1000


def ns_datetime(time_ns: int) -> datetime:
    """Return nanoseconds since the epoch as an aware UTC datetime, cut to microseconds."""
    return _EPOCH + _MICROSECOND * (time_ns // 1000)
