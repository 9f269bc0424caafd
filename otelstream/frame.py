"""One frame of a stream: CrewAI's envelope, its exact JSON form, and its time in nanoseconds.

Works with no CrewAI installed, and must not import it; wherever a frame is only read, anything with the
envelope's attributes will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from otelstream.errors import FrameError
from otelstream.jsontext import decode_json, encode_json, is_faithful

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
    return parse_exact(line.strip())


def parse_exact(text: str | bytes) -> StreamFrame:
    """Read one frame from what `exact_json` or `frame_json` wrote.

    Raises:
        FrameError: The text is no JSON object or lacks a field of the envelope.
    """
    try:
        value = decode_json(text)
    except ValueError as error:
        raise FrameError(f"not valid JSON: {error}") from None
    return frame_of_value(value)


def frame_of_value(value: object) -> StreamFrame:
    """Return the frame whose JSON form has been read as this value.

    Raises:
        FrameError: It is no mapping or lacks a field of the envelope.
    """
    try:
        return StreamFrame.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the line"
        raise FrameError(f"not a stream frame: {where}: {first['msg']}") from None


def frame_json(frame: FrameLike) -> str:
    """Return the JSON form of a frame: the bytes of CrewAI's `StreamFrame.model_dump_json()`.

    Where CrewAI's own method would raise (lone surrogates, deep nesting, unknown objects) or lose something
    the text is in the same spelling, with lone surrogates escaped. NaN and infinities are `null`, always.

    Raises:
        ValueError: The data holds itself.
    """
    if isinstance(frame, BaseModel):
        try:
            text = frame.model_dump_json()
        except ValueError:  # pydantic's own, or that of an object that is asked for its JSON
            pass
        else:
            if is_faithful(text, envelope_of(frame)):
                return text
    return encode_json(envelope_of(frame), nan="null")


def exact_json(frame: FrameLike) -> str:
    """Return JSON text of a frame for `parse_exact` alone, which also keeps what JSON cannot say.

    That is NaN and the infinities, and halves of a surrogate pair that stand side by side.

    Raises:
        ValueError: The data holds itself.
    """
    return encode_json(envelope_of(frame))


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
