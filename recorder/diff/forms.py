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


class Digest(NamedTuple):
    """A frame in short: frames of equal digests differ in ids and volatile parts only.

    Attributes:
        value: A hash that holds in this process.
        ids: The ids in the frame, in a fixed order.
    """

    value: int
    ids: list[str]


class _Id(str):
    """A string that is an id by its place."""

    __slots__ = ()


MAX_DEPTH: Final = 64
"""What is nested deeper is compared as JSON text."""

_ID_KEYS: Final = frozenset((
    "started_event_id", "triggered_by_event_id", "call_id", "response_id", "tool_call_id", "task_id",
    "agent_id", "source_fingerprint",
))  # fmt: skip
# A UUID, the 32 digits of a random one, and what providers call a call, an answer or a message.
_IDS: Final = (
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
    r"|\b[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\b"
    r"|\b(?:call|chatcmpl|cmpl|resp|msg|toolu|fc|rs)[_-](?=[A-Za-z_]*\d)[A-Za-z0-9_]{12,}"
)
_ID: Final = "\0id\0"
_ASIDE, _NOTHING, _OPEN, _LIST, _CLOSE = ("aside",), ("null",), ("{",), ("[",), ("]",)
_KEPT: Final = 4_096


class Forms:
    """Makes the forms of values as a policy asks."""

    def __init__(self, policy: Policy) -> None:
        self.places: Final = policy.ignored
        self._left_out = frozenset(rule.frame_field for rule in policy.rules)
        keyed = [(re.compile(rule.keys), rule) for rule in policy.rules if rule.keys is not None]
        self._rules = [(keys, rule.fits) for keys, rule in keyed if not rule.unordered]
        self._sets = [keys for keys, rule in keyed if rule.unordered]
        texts = [rule.texts for rule in policy.rules if rule.texts is not None]
        self._volatile = re.compile("|".join([f"(?P<id>{_IDS})", *texts]))
        self._fits = lru_cache(_KEPT)(self._fits_of)
        self._text = lru_cache(_KEPT)(self._text_form)

    def digest(self, frame: FrameLike) -> Digest:
        """Return a frame in short."""
        tokens: list[Token] = []
        ids: list[str] = []
        self._take_fields(self.fields(frame), self.places, (tokens, ids), 0)
        return Digest(hash(tuple(tokens)), ids)

    def fields(self, frame: FrameLike) -> list[Entry]:
        """Return the fields of a frame that are compared; what is an id by its place is marked as one."""
        data = frame.data
        named = {value for key in _ID_KEYS if isinstance(value := data.get(key), str)}
        fields: dict[str, object] = {
            "type": frame.type,
            "channel": frame.channel,
            "data": data,
            "namespace": [_Id(item) if item in named else item for item in frame.namespace],
            "id": _Id(frame.id),
            "parent_id": None if frame.parent_id is None else _Id(frame.parent_id),
            "previous_id": None if frame.previous_id is None else _Id(frame.previous_id),
            "seq": frame.seq,
            "timestamp": frame.timestamp.isoformat(),
        }
        known = [Entry(name, (), name, value) for name, value in fields.items() if name not in self._left_out]
        return known + self.entries(extra_fields(frame))

    def entries(self, value: Mapping[str, object]) -> list[Entry]:
        """Return the fields of an object in the order of their names."""
        found = []
        for key, item in value.items():
            form = self._text(str(key))
            found.append(Entry(str(form.token), form.ids, str(key), item))
        found.sort(key=lambda entry: entry.name)
        return found

    def items(self, value: Sequence[object], key: str) -> Sequence[object]:
        """Return the items of a list, in an order of their own where its key says that it is a set."""
        if self._sets and any(keys.fullmatch(key) for keys in self._sets):
            return sorted(value, key=encode_json)
        return value

    def leaf(self, value: object, key: str) -> Form:
        """Return the form of a value beneath that key in which nothing is looked at any more."""
        if value is None:
            return Form(_NOTHING)
        if isinstance(value, (str, int, float)):
            if (key in _ID_KEYS and isinstance(value, str)) or type(value) is _Id:
                return Form(_ID, (str(value),))
            if any(fits(value) for fits in self._fits(key)):
                return Form(_ASIDE)
            return self._text(value) if isinstance(value, str) else Form((type(value).__name__, repr(value)))
        return self._text(encode_json(value))

    def _take_fields(self, entries: list[Entry], places: Places, into: _Taken, depth: int) -> None:
        tokens, ids = into
        tokens.append(_OPEN)
        for name, its_ids, key, value in entries:
            left = beneath(places, key) if places else places
            if left is not None:
                tokens.append(name)
                ids.extend(its_ids)
                self._take(value, key, left, into, depth + 1)
        tokens.append(_CLOSE)

    def _take(self, value: object, key: str, places: Places, into: _Taken, depth: int) -> None:
        if isinstance(value, dict) and depth < MAX_DEPTH:
            self._take_fields(self.entries(value), places, into, depth)
        elif isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
            into[0].append(_LIST)
            for index, item in enumerate(self.items(value, key)):
                left = beneath(places, index) if places else places
                if left is not None:
                    self._take(item, key, left, into, depth + 1)
            into[0].append(_CLOSE)
        else:
            form = self.leaf(value, key)
            into[0].append(form.token)
            into[1].extend(form.ids)

    def _fits_of(self, key: str) -> tuple[Fits, ...]:
        return tuple(fits for keys, fits in self._rules if keys.fullmatch(key))

    def _text_form(self, text: str) -> Form:
        ids: list[str] = []

        def without(found: re.Match[str]) -> str:
            if found.lastgroup is None:
                return "\0"
            ids.append(found[0])
            return _ID

        plain = self._volatile.sub(without, text)
        return Form(text if plain == text else plain, tuple(ids))
