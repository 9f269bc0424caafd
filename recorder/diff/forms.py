"""The form in which values are compared: volatile parts set aside, ids taken out and kept beside it.

Knows nothing of the order of frames, and nothing of what an id points to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from otelstream.frame import FrameLike, extra_fields
from otelstream.jsontext import encode_json
from recorder.diff.paths import Places, beneath
from recorder.diff.policy import Fits, Policy

Token: TypeAlias = object
_Taken: TypeAlias = tuple[list[Token], list[str]]


class Form(NamedTuple):
    """A value as it is compared.

    Attributes:
        token: What must be equal.
        ids: The ids in it, which must point to the same things.
    """

    token: Token
    ids: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A field of an object: its name without ids, those, and what it is in the frame."""

    name: str
    ids: tuple[str, ...]
    key: str
    value: object


class _Field(NamedTuple):
    """What is known of a field by its key alone.

    Attributes:
        name: The key without ids.
        ids: The ids in it.
        key: The key.
        is_id: Whether its value is an id, as a field of the frame or of `data`.
        fits: Which values are aside.
    """

    name: str
    ids: tuple[str, ...]
    key: str
    is_id: bool = False
    fits: tuple[Fits, ...] = ()


class Digest(NamedTuple):
    """A frame in short: frames of equal digests differ in ids and volatile parts only.

    Attributes:
        value: A hash that holds in this process.
        ids: The ids in the frame, in a fixed order.
    """

    value: int
    ids: list[str]


class Outside(str):
    """The id of a frame outside of the session, which counts as none."""

    __slots__ = ()


class _Id(str):
    """A string that is an id by its place."""

    __slots__ = ()


MAX_DEPTH: Final = 64
"""What is nested deeper is compared as JSON text."""

_OF_DATA: Final = 2
"""How deep the fields of `data` are. A `task_id` deeper down, in arguments or a state, is the user's own."""

_ID_KEYS: Final = frozenset((
    "started_event_id", "triggered_by_event_id", "call_id", "response_id", "tool_call_id", "task_id",
    "agent_id", "source_fingerprint",
))  # fmt: skip
# A UUID, the 32 digits of a random one, and what providers call a call, an answer or a message.
_IDS: Final = (
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
    r"|\b[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\b"
    r"|\b(?:call|chatcmpl|cmpl|resp|msg|toolu|fc|rs)[_-](?:[A-Za-z]+_)*(?=[A-Za-z]*\d)[A-Za-z0-9]{12,}(?:_\w*)?"
)
_ENVELOPE: Final = {
    "type": False, "channel": False, "data": False, "namespace": False, "id": True, "parent_id": True,
    "previous_id": True, "seq": False, "timestamp": False,
}  # fmt: skip
"""The fields of a frame in the order in which they are compared, and whether they are ids."""

_ID: Final = "\0id\0"
_LEFT_OUT: Final = "\0aside\0"
_MARK: Final = "\0"
"""What the two begin with; where a text has it, it is doubled."""

_ASIDE, _NOTHING = Form(("aside",)), Form(("null",))
_OPEN, _LIST, _CLOSE = ("{",), ("[",), ("]",)
_KEPT: Final = 4_096


class Forms:
    """Makes the forms of values as a policy asks."""

    def __init__(self, policy: Policy) -> None:
        self.places: Final = policy.ignored
        keyed = [(re.compile(rule.keys), rule) for rule in policy.rules if rule.keys is not None]
        self._rules = [(keys, rule.fits) for keys, rule in keyed if not rule.unordered]
        self._sets = [keys for keys, rule in keyed if rule.unordered]
        texts = [rule.texts for rule in policy.rules if rule.texts is not None]
        self._volatile = re.compile("|".join([f"(?P<id>{_IDS})", *texts]))
        # The same keys, roles and prompts come again and again.
        self._text = lru_cache(_KEPT)(self._text_form)
        self._field = lru_cache(_KEPT)(self._field_of)
        self._shape = lru_cache(_KEPT)(self._shape_of)
        left_out = {rule.frame_field for rule in policy.rules}
        self._envelope = tuple(
            _Field(name, (), name, is_id) for name, is_id in _ENVELOPE.items() if name not in left_out
        )

    def digest(self, frame: FrameLike) -> Digest:
        """Return a frame in short."""
        taken: _Taken = ([], [])
        self._take_fields(_values_of(frame), self._envelope, self.places, taken, 0)
        if extra := extra_fields(frame):
            self._take_fields(extra, self._shape(tuple(extra)), self.places, taken, 0)
        return Digest(hash(tuple(taken[0])), taken[1])

    def fields(self, frame: FrameLike) -> list[Entry]:
        """Return the fields of a frame that are compared; what is an id by its place is marked as one."""
        values = _values_of(frame)
        known = [
            Entry(field.name, (), field.key, _marked(values[field.key]) if field.is_id else values[field.key])
            for field in self._envelope
        ]
        return known + self.entries(extra_fields(frame))

    def entries(self, value: Mapping[str, object]) -> list[Entry]:
        """Return the fields of an object in the order of their names."""
        return [Entry(each.name, each.ids, each.key, value[each.key]) for each in self._shape(tuple(value))]

    def items(self, value: Sequence[object], key: str) -> Sequence[object]:
        """Return the items of a list, in an order of their own where its key says that it is a set."""
        if self._sets and any(keys.fullmatch(key) for keys in self._sets):
            return sorted(value, key=encode_json)
        return value

    def leaf(self, value: object, key: str, depth: int) -> Form:
        """Return the form of a value beneath that key, so deep, in which nothing is looked at any more."""
        return self._leaf(value, self._field(key), depth)

    def _leaf(self, value: object, field: _Field, depth: int) -> Form:
        if value is None or type(value) is Outside:
            return _NOTHING
        if isinstance(value, (str, int, float)):
            if type(value) is _Id or (field.is_id and depth <= _OF_DATA and isinstance(value, str)):
                return Form(_ID, (str(value),))
            if field.fits and any(fits(value) for fits in field.fits):
                return _ASIDE
            return self._text(value) if isinstance(value, str) else Form((type(value).__name__, repr(value)))
        return self._text(encode_json(value))

    def _take_fields(
        self,
        value: Mapping[str, object],
        fields: tuple[_Field, ...],
        places: Places,
        into: _Taken,
        depth: int,
    ) -> None:
        tokens, ids = into
        tokens.append(_OPEN)
        for field in fields:
            left = beneath(places, field.key) if places else places
            if left is None:
                continue
            tokens.append(field.name)
            ids.extend(field.ids)
            item = value[field.key]
            if item is None:  # most are
                tokens.append(_NOTHING.token)
            else:
                self._take(item, field, left, into, depth + 1)
        tokens.append(_CLOSE)

    def _take(self, value: object, field: _Field, places: Places, into: _Taken, depth: int) -> None:
        if isinstance(value, dict) and depth < MAX_DEPTH:
            self._take_fields(value, self._shape(tuple(value)), places, into, depth)
        elif isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
            into[0].append(_LIST)
            for index, item in enumerate(self.items(value, field.key)):
                left = beneath(places, index) if places else places
                if left is not None:
                    self._take(item, field, left, into, depth + 1)
            into[0].append(_CLOSE)
        else:
            form = self._leaf(value, field, depth)
            into[0].append(form.token)
            into[1].extend(form.ids)

    def _shape_of(self, keys: tuple[str, ...]) -> tuple[_Field, ...]:
        return tuple(sorted(map(self._field, keys), key=lambda field: field.name))

    def _field_of(self, key: str) -> _Field:
        form = self._text(str(key))
        fits = tuple(fits for keys, fits in self._rules if keys.fullmatch(str(key)))
        return _Field(str(form.token), form.ids, key, key in _ID_KEYS, fits)

    def _text_form(self, text: str) -> Form:
        ids: list[str] = []

        def without(found: re.Match[str]) -> str:
            if found.lastgroup is None:
                return _LEFT_OUT
            ids.append(found[0])
            return _ID

        plain = self._volatile.sub(without, text.replace(_MARK, 2 * _MARK))
        return Form(text if plain == text else plain, tuple(ids))


def _marked(value: object) -> object:
    return _Id(value) if type(value) is str else value


def _values_of(frame: FrameLike) -> dict[str, object]:
    data = frame.data
    named = {value for key in _ID_KEYS if isinstance(value := data.get(key), str)}
    return {
        "type": frame.type,
        "channel": frame.channel,
        "data": data,
        "namespace": [_Id(item) if item in named else item for item in frame.namespace],
        "id": frame.id,
        "parent_id": frame.parent_id,
        "previous_id": frame.previous_id,
        "seq": frame.seq,
        "timestamp": frame.timestamp,
    }
