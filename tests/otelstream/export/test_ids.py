"""Ids of spans of frames are derived, those of all other spans are random."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from otelstream.export.ids import FrameIdGenerator, derived_from
from otelstream.span import ids


def test_inside_the_trace_id_is_that_of_the_root_frame() -> None:
    """Within `derived_from` the trace id depends on the root's key alone."""
    with derived_from("root", "frame"):
        assert FrameIdGenerator().generate_trace_id() == ids.trace_id("root")


def test_inside_the_span_id_is_that_of_the_frame() -> None:
    """Within `derived_from` the span id depends on the keys of root and frame."""
    with derived_from("root", "frame"):
        assert FrameIdGenerator().generate_span_id() == ids.span_id("root", "frame")


def test_outside_ids_are_random() -> None:
    """Spans that are not of frames get two different ids."""
    generator = FrameIdGenerator()

    assert generator.generate_span_id() != generator.generate_span_id()


def test_after_the_block_ids_are_random_again() -> None:
    """The derivation ends with its block."""
    with derived_from("root", "frame"):
        pass

    assert FrameIdGenerator().generate_span_id() != ids.span_id("root", "frame")


def test_after_an_exception_ids_are_random_again() -> None:
    """The derivation ends with its block, also where a processor raises in it."""
    with pytest.raises(ZeroDivisionError), derived_from("root", "frame"):
        _ = 1 / 0

    assert FrameIdGenerator().generate_span_id() != ids.span_id("root", "frame")


def test_another_thread_is_outside() -> None:
    """A span that another thread starts meanwhile gets a random id."""
    with derived_from("root", "frame"), ThreadPoolExecutor() as pool:
        other = pool.submit(FrameIdGenerator().generate_span_id).result()

    assert other != ids.span_id("root", "frame")


def test_blocks_nest() -> None:
    """After an inner block the outer one is in force again."""
    with derived_from("root", "outer"):
        with derived_from("root", "inner"):
            pass
        assert FrameIdGenerator().generate_span_id() == ids.span_id("root", "outer")


def test_derived_ids_are_valid() -> None:
    """They fill the bits that OpenTelemetry has for them, and are not zero."""
    with derived_from("root", "frame"):
        generator = FrameIdGenerator()
        trace_id, span_id = generator.generate_trace_id(), generator.generate_span_id()

    assert (0 < trace_id < 2**128, 0 < span_id < 2**64) == (True, True)


def test_ratio_samplers_may_rely_on_the_ids() -> None:
    """A sampler that goes by the trace id keeps about its share of derived ones."""
    provider = TracerProvider(
        id_generator=FrameIdGenerator(), sampler=TraceIdRatioBased(0.5), shutdown_on_exit=False
    )
    tracer = provider.get_tracer("test")
    sampled = 0
    for number in range(1_000):
        with derived_from(f"root {number}", "frame"):
            sampled += tracer.start_span("root").get_span_context().trace_flags.sampled

    assert 400 < sampled < 600


def test_the_generator_says_that_ids_are_random() -> None:
    """Samplers ask for this."""
    assert FrameIdGenerator().is_trace_id_random() is True
