"""How much one trace may weigh: strings cut, content and events left out, spans never.

Backends refuse what is too big as a whole, so what does not fit is left out here, where it can be counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from otelstream.jsontext import encode_json
from otelstream.span import names
from otelstream.span.chunks import MAX_EVENTS
from otelstream.span.model import AddEvent, Attributes, AttributeValue, EndSpan, Operation, StartSpan
from otelstream.span.options import SpanOptions

CONTENT_SHARE: Final = 0.6
EVENT_SHARE: Final = 0.9
"""Shares of a budget that content, and content with events, may use; what is left is for the spans."""

EVENT_BYTES: Final = 500
"""What the event of a token frame, or of a run of them, may weigh."""

SPAN_OVERHEAD: Final = 200
EVENT_OVERHEAD: Final = 40
_HEADER_BYTES: Final = 4
"""What OTLP puts before a key or a value: tags and lengths."""


@dataclass(slots=True)
class _Spent:
    """What one open span weighs so far, and what was left out of it."""

    size: int = SPAN_OVERHEAD
    events: int = 0
    events_dropped: int = 0
    content_dropped: int = 0


class Budget:
    """Fits the operations of one session into what backends accept.

    Args:
        options: The limits, in bytes.
    """

    def __init__(self, options: SpanOptions) -> None:
        self._options = options
        self._on_spans = options.events != "log"
        self._weigh = _weight_as_json if options.content_form == "json" else weight_of
        self._short = options.attribute_bytes // 4  # characters that are within the limit in any script
        self._spans: dict[str, _Spent] = {}
        self._trace = 0

    def fit(self, operation: Operation) -> Iterator[Operation]:
        """Yield the operation as it may go out; nothing for an event that does not fit, which is counted."""
        if isinstance(operation, AddEvent):
            yield from self._event(operation)
        elif isinstance(operation, StartSpan):
            spent = self._spans[operation.key] = _Spent()
            self._trace += SPAN_OVERHEAD
            yield replace(operation, attributes=self._attributes(spent, operation.attributes))
        elif isinstance(operation, EndSpan):
            yield self._end(operation)
        else:
            yield operation

    def has_room(self, key: str) -> bool:
        """Tell whether a span may still have an event for each token frame, and runs of the rest after it."""
        spent = self._spans[key]
        few = spent.events + MAX_EVENTS < self._options.span_events
        return few and self._fits(spent, EVENT_BYTES * MAX_EVENTS, EVENT_SHARE)

    def _event(self, event: AddEvent) -> Iterator[AddEvent]:
        if event.log_only or not self._on_spans:
            yield self._record(event)
            return
        kept, size = self._cut(event.attributes)
        if kept is not event.attributes:
            event = replace(event, attributes=kept)
        spent = self._spans[event.key]
        size += EVENT_OVERHEAD + len(event.name)
        if spent.events >= self._options.span_events or not self._fits(spent, size, EVENT_SHARE):
            frames = event.attributes.get(names.CHUNK_RUN_COUNT, 1)
            spent.events_dropped += frames if isinstance(frames, int) else 1
            if self._options.events == "both":
                yield replace(event, log_only=True)
            return
        spent.events += 1
        self._charge(spent, size)
        yield event

    def _record(self, event: AddEvent) -> AddEvent:
        """Return an event as a log record, which has the budget of a span to itself."""
        room = round(self._options.span_bytes * CONTENT_SHARE)
        kept, _, dropped = self._within(event.attributes, room, weight_of)
        attributes: Attributes = {**kept, names.CONTENT_DROPPED: dropped} if dropped else kept
        return replace(event, attributes=attributes)

    def _end(self, end: EndSpan) -> EndSpan:
        spent = self._spans.pop(end.key)
        attributes = self._attributes(spent, end.attributes)
        for name, count in (
            (names.EVENTS_DROPPED, spent.events_dropped),
            (names.CONTENT_DROPPED, spent.content_dropped),
        ):
            if count:
                attributes[name] = count
        error = end.error
        if error is not None:
            shorter = cut_text(error.message, self._options.attribute_bytes)
            if shorter is not error.message:
                cut = attributes.get(names.CUT)
                lengths = {**(cut if isinstance(cut, dict) else {}), "status": _length(error.message)}
                attributes[names.CUT] = lengths
                error = replace(error, message=shorter)
        return replace(end, attributes=attributes, error=error)

    def _attributes(self, spent: _Spent, attributes: Attributes) -> dict[str, AttributeValue]:
        options = self._options
        room = min(
            options.span_bytes * CONTENT_SHARE - spent.size, options.trace_bytes * CONTENT_SHARE - self._trace
        )
        kept, size, dropped = self._within(attributes, round(room), self._weigh)
        spent.content_dropped += dropped
        self._charge(spent, size)
        return dict(kept)

    def _within(
        self, attributes: Attributes, room: int, weigh: Callable[[AttributeValue], int]
    ) -> tuple[Attributes, int, int]:
        """Return the attributes, cut, with the content that fits; their weight, and that of the rest."""
        kept: dict[str, AttributeValue] = {}
        originals: dict[str, AttributeValue] = {}
        size = dropped = 0
        for key, value in attributes.items():
            is_content = key in names.CONTENT
            cut: dict[str, AttributeValue] = {}
            limit = self._options.content_bytes if is_content else self._options.attribute_bytes
            shorter = _cut_value(value, limit, key, cut)
            weight = _HEADER_BYTES + len(key) + (weigh if is_content else weight_of)(shorter)
            if is_content and weight > room:
                dropped += weight
                continue
            room -= weight if is_content else 0
            size += weight
            kept[key] = shorter
            originals.update(cut)
        if originals:
            kept[names.CUT] = originals
            size += _HEADER_BYTES + len(names.CUT) + weight_of(originals)
        return kept, size, dropped

    def _cut(self, attributes: Attributes) -> tuple[Attributes, int]:
        """Do the same where there is no content, at once where all strings are short."""
        size = 0
        for key, value in attributes.items():
            if type(value) is str and len(value) < self._short:
                size += 2 * _HEADER_BYTES + len(key) + len(value)
            elif type(value) in _SCALARS:
                size += _HEADER_BYTES + len(key) + _number_bytes(value)
            else:
                kept, size, _ = self._within(attributes, 0, weight_of)
                return kept, size
        return attributes, size

    def _fits(self, spent: _Spent, size: int, share: float) -> bool:
        options = self._options
        return (
            spent.size + size <= options.span_bytes * share
            and self._trace + size <= options.trace_bytes * share
        )

    def _charge(self, spent: _Spent, size: int) -> None:
        spent.size += size
        self._trace += size


_SCALARS: Final = frozenset({int, float, bool})


def weight_of(value: object) -> int:
    """Return about how many bytes of OTLP a value takes, its keys included."""
    if isinstance(value, str):
        return _HEADER_BYTES + (len(value) if value.isascii() else _length(value))
    if isinstance(value, Mapping):
        return _HEADER_BYTES + sum(
            _HEADER_BYTES + len(str(key)) + weight_of(item) for key, item in value.items()
        )
    if isinstance(value, Sequence):
        return _HEADER_BYTES + sum(weight_of(item) for item in value)
    return _number_bytes(value)


def as_json(value: AttributeValue) -> str:
    """Return content as JSON text, as `content_form` may ask for it; a text stays as it is."""
    return value if isinstance(value, str) else encode_json(value, nan="null")


def _weight_as_json(value: AttributeValue) -> int:
    return weight_of(as_json(value))  # quotes and line breaks in it are escaped


def _number_bytes(value: object) -> int:
    if isinstance(value, float):
        return 11
    return 5 if isinstance(value, bool) or (isinstance(value, int) and 0 <= value < 2**14) else 13


def _length(value: str) -> int:
    return len(value.encode("utf-8", "replace"))


def cut_text(value: str, limit: int) -> str:
    """Return at most that many bytes of a text in UTF-8, cut between two characters."""
    if len(value) * 4 <= limit:
        return value
    encoded = value.encode("utf-8", "replace")
    return value if len(encoded) <= limit else encoded[:limit].decode("utf-8", "ignore")


def _cut_value(
    value: AttributeValue, limit: int, path: str, originals: dict[str, AttributeValue]
) -> AttributeValue:
    if isinstance(value, str):
        text = cut_text(value, limit)
        if text is not value:
            originals[path] = _length(value)
        return text
    before = len(originals)
    shorter: AttributeValue = value
    if isinstance(value, Mapping):
        shorter = {key: _cut_value(item, limit, f"{path}.{key}", originals) for key, item in value.items()}
    elif isinstance(value, Sequence):
        shorter = [
            _cut_value(item, limit, f"{path}[{number}]", originals) for number, item in enumerate(value)
        ]
    return value if len(originals) == before else shorter
