"""How one span begins and how it ends: what a frame, the spans around it and its chunks say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from otelstream.frame import FrameLike, timestamp_ns
from otelstream.span import names, rules
from otelstream.span.attributes import at_start, facts_of
from otelstream.span.content import content_at_start
from otelstream.span.events import envelope
from otelstream.span.links import links_of
from otelstream.span.model import AddEvent, Attributes, EndSpan, Operation, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.scopes import OpenSpan, Scopes

MAX_NAME: Final = 128
"""Longest span name, in characters: a role may be a text."""

_NOTHING: Final[Attributes] = {}


def span_of(
    frame: FrameLike, kind: rules.Kind, parent: OpenSpan | None, scopes: Scopes, options: SpanOptions
) -> tuple[OpenSpan, StartSpan]:
    """Return the span that a frame opens beneath a parent (None for the root), and how it begins."""
    facts = parent.facts if parent is not None else _NOTHING
    attributes = {**at_start(kind, frame.data, facts), **envelope(frame)}
    content = content_at_start(kind, frame.data) if options.content != "NO_CONTENT" else {}
    links = tuple(links_of(frame, parent, scopes))
    own_facts = facts_of(kind, frame.data)
    span = OpenSpan(
        key=frame.id if kind is not rules.SESSION else f"session {frame.id}",
        kind=kind,
        parent=parent,
        start_ns=timestamp_ns(frame),
        linked_to=frozenset(link.to for link in links),
        facts={**facts, **own_facts} if own_facts else facts,
    )
    if kind is rules.LLM and options.content_in_logs:
        span.told = {**attributes, **content}
    started = StartSpan(
        key=span.key,
        parent=parent.key if parent is not None else None,
        name=_span_name(kind, attributes),
        client=kind.client,
        start_ns=span.start_ns,
        attributes={**attributes, **content} if options.content_on_spans else attributes,
        links=links,
    )
    return span, started


def end_of(span: OpenSpan, end: EndSpan, options: SpanOptions) -> Iterator[Operation]:
    """Yield the last events of a span and its end, with what its chunks add; it is not open any more."""
    span.is_open = False
    attributes, gaps, chunks = dict(end.attributes), end.gaps, span.chunks
    if chunks is not None:
        attributes.update(chunks.attributes())
        if span.kind is rules.LLM:
            attributes[names.TIME_TO_FIRST_CHUNK] = max(0, chunks.first_ns - span.start_ns) / 1e9
            gaps = tuple(chunks.gaps.buckets())
        yield from chunks.events(span.key)
        span.chunks = None
    end = replace(end, attributes=attributes, gaps=gaps)
    if span.kind is rules.LLM:
        yield from _records(span, end, options)
    span.told = _NOTHING
    if span.parent is not None:
        span.parent.last_ns = max(span.parent.last_ns, end.end_ns)
    yield end


def _records(span: OpenSpan, end: EndSpan, options: SpanOptions) -> Iterator[AddEvent]:
    """Yield the conventions' log records about an LLM call, where they are asked for."""
    told: Attributes
    if options.content_in_logs:
        failed = {} if end.error is None else {names.ERROR_TYPE: end.error.type}
        told = {**span.told, **end.attributes, **failed}
        yield AddEvent(span.key, names.OPERATION_DETAILS, end.end_ns, told, log_only=True)
    if options.events != "span" and end.error is not None:
        told = {names.EXCEPTION_TYPE: end.error.type, names.EXCEPTION_MESSAGE: end.error.message}
        yield AddEvent(span.key, names.OPERATION_EXCEPTION, end.end_ns, told, log_only=True)


def _span_name(kind: rules.Kind, attributes: Attributes) -> str:
    named = attributes.get(kind.named_by) if kind.named_by is not None else None
    return kind.span_name if named is None else f"{kind.span_name} {named}"[:MAX_NAME]
