"""Frames to rows of `stored_frames`, and to the contexts that they share.

Nothing is lost: what the columns cannot hold is kept whole as JSON text.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from otelstream.frame import FrameLike, exact_json, extra_fields
from otelstream.jsontext import is_faithful
from recorder.rows import ContextRow, FrameRow, Row, utf8

INT64: Final = range(-(2**63), 2**63)
REMEMBERED_CONTEXTS: Final = 4_096
"""Contexts of a session that later frames may share; an older one is written again."""
_TEXT_HOLE: Final = b'"chunk":""'
_CALL_HOLE: Final = b'"tool_call":null'
_REPLACEMENT: Final = "\ufffd".encode()  # what pydantic writes for a lone surrogate in a key, among others
_SECOND: Final = timedelta(seconds=1)
_NO_TEXT: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Template:
    """What the token frames of one call have in common, and the number of the context that holds it.

    Two values may be equal and written differently (1 and True, mappings in another order), so what is
    compared of the data is the JSON that is stored.
    """

    context: int
    rest: bytes
    channel: str
    namespace: list[str]
    offset: timedelta | None


@dataclass(frozen=True, slots=True)
class _Alike:
    """The template of the last token frame, and what it was said to be like."""

    like: object
    template: _Template | None


class FrameEncoder:
    """Frames of one session to rows; it remembers the contexts that they share.

    Args:
        session: The session's number in its file.

    Attributes:
        new_contexts: Contexts that no commit holds yet; whoever writes them empties the list.
    """

    def __init__(self, session: int) -> None:
        self.new_contexts: list[ContextRow] = []
        self._session = session
        self._contexts = 0
        self._plain: OrderedDict[tuple[object, ...], int] = OrderedDict()
        self._templates: OrderedDict[tuple[str, str | None], _Template] = OrderedDict()
        self._alike = _Alike(None, None)
        self._last_id: str | None = None

    def encode(self, frame: FrameLike, ordinal: int, offset_ns: int, like: object = None) -> Row:
        """Return the row of the session's next frame, as `FrameRow` names its columns.

        A frame that the columns cannot hold (lone surrogates, fields that this version does not know, numbers
        beyond 64 bits) is kept whole in `raw`, and the columns hold what they can for SQL.

        Args:
            frame: The frame.
            ordinal: Its place in the session.
            offset_ns: When it arrived, in nanoseconds after the session's start.
            like: An object that token frames share which differ in their text and envelope alone, if that is
                known already; then it is not found out again.
        """
        chunk = frame.data.get("chunk")
        row = None if type(chunk) is not str else self._token_row(frame, chunk, (ordinal, offset_ns), like)
        if row is None:
            row = self._row(frame, ordinal, offset_ns)
        return row

    def _token_row(self, frame: FrameLike, chunk: str, place: tuple[int, int], like: object) -> Row | None:
        if not _is_typed(frame) or not (chunk.isprintable() or not _NO_TEXT.search(chunk)):
            return None
        template = self._alike.template if like is not None and like is self._alike.like else None
        if template is None or not _is_in(frame, template):
            template = self._template_of(frame)
            if template is None:
                return None
            self._alike = _Alike(like, template)
        tool_call = frame.data.get("tool_call")
        call = None if tool_call is None else _json(tool_call)
        moment = _utc(frame.timestamp, template.offset)
        if moment is None or (tool_call is not None and call is None):
            return None
        previous, last, self._last_id = frame.previous_id, self._last_id, frame.id
        return (
            self._session,
            place[0],
            template.context,
            place[1],
            moment,
            frame.type,
            frame.id,
            frame.seq,
            frame.parent_id,
            "" if previous is None else None if previous == last else previous,
            chunk,
            call,
            None,
            None,
        )

    def _template_of(self, frame: FrameLike) -> _Template | None:
        """Return the context of a token frame; None if it is unlike one."""
        rest = frame.data.copy()
        rest["chunk"] = ""
        if "tool_call" in rest:
            rest["tool_call"] = None
        call_id = rest.get("call_id")
        if not (call_id is None or isinstance(call_id, str)):
            return None
        text = _json_bytes(rest)
        known = self._templates.get((frame.type, call_id))
        if known is not None and known.rest == text and _is_in(frame, known):
            return known
        return None if text is None else self._new_template(frame, text, call_id)

    def _new_template(self, frame: FrameLike, text: bytes, call_id: str | None) -> _Template | None:
        if text.count(_TEXT_HOLE) != 1 or text.count(_CALL_HOLE) > 1 or _REPLACEMENT in text:
            return None
        if not _are_utf8(frame.channel, *frame.namespace):
            return None
        offset = frame.timestamp.utcoffset()
        number = self._new_context(frame, offset, text.decode())
        # A copy, as the observed program owns the list and may change it.
        template = _Template(number, text, frame.channel, list(frame.namespace), offset)
        _remember(self._templates, (frame.type, call_id), template)
        return template

    def _row(self, frame: FrameLike, ordinal: int, offset_ns: int) -> Row:
        offset = frame.timestamp.utcoffset()
        moment = _utc(frame.timestamp, offset)
        data = _json(frame.data)
        typed = data is not None and moment is not None and _is_typed(frame)
        typed = typed and _are_utf8(frame.channel, *frame.namespace)
        key = (frame.channel, *frame.namespace, offset)
        context = self._plain.get(key)
        if context is None:
            context = self._new_context(frame, offset, None)
            _remember(self._plain, key, context)
        previous = None if frame.previous_id is None else utf8(frame.previous_id)
        last, self._last_id = self._last_id, utf8(frame.id)
        return FrameRow(
            session=self._session,
            ordinal=ordinal,
            context=context,
            offset_ns=offset_ns,
            timestamp=frame.timestamp.replace(tzinfo=None) if moment is None else moment,
            type=utf8(frame.type),
            id=self._last_id,
            seq=frame.seq if frame.seq is None or frame.seq in INT64 else None,
            parent_id=None if frame.parent_id is None else utf8(frame.parent_id),
            previous_id="" if previous is None else None if previous == last else previous,
            chunk=None,
            tool_call=None,
            data=data,
            raw=None if typed else exact_json(frame),
        )

    def _new_context(self, frame: FrameLike, offset: timedelta | None, data: str | None) -> int:
        number = self._contexts
        self._contexts += 1
        seconds = None if offset is None else offset // _SECOND
        namespace = [utf8(part) for part in frame.namespace]
        row = ContextRow(self._session, number, utf8(frame.channel), namespace, seconds, data)
        self.new_contexts.append(row)
        return number


def _is_in(frame: FrameLike, template: _Template) -> bool:
    return (
        template.offset == frame.timestamp.utcoffset()
        and template.namespace == frame.namespace
        and template.channel == frame.channel
    )


def _remember(memory: OrderedDict[Any, Any], key: object, value: object) -> None:
    memory[key] = value
    if len(memory) > REMEMBERED_CONTEXTS:
        memory.popitem(last=False)


def _json_bytes(value: object) -> bytes | None:
    try:
        return to_json(value, inf_nan_mode="constants", fallback=repr)
    except (PydanticSerializationError, ValueError, RecursionError):
        return None


def _json(value: object) -> str | None:
    text = _json_bytes(value)
    if text is None or _REPLACEMENT not in text:
        return None if text is None else text.decode()
    return text.decode() if is_faithful(text.decode(), value) else None


def _is_typed(frame: FrameLike) -> bool:
    """Tell whether the columns hold the envelope, but for what the context holds of it."""
    if extra_fields(frame) or (frame.seq is not None and frame.seq not in INT64):
        return False
    parent, previous = frame.parent_id, frame.previous_id
    if previous == "":
        return False  # an empty text stands for None there
    return f"{frame.id}{frame.type}{parent}{previous}".isascii() or _are_utf8(
        frame.id, frame.type, parent or "", previous or ""
    )


def _are_utf8(*texts: str) -> bool:
    return all(text.isascii() or utf8(text) == text for text in texts)


def _utc(moment: datetime, offset: timedelta | None) -> datetime | None:
    try:
        naive = moment.replace(tzinfo=None)
        # JSON has no fractions of a second in an offset, so the stored one has none either.
        return naive - offset // _SECOND * _SECOND if offset else naive
    except OverflowError:
        return None  # the first or last hours of the calendar, elsewhere than in UTC
