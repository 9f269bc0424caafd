"""Start and end types of the program's own become spans: by a variable, or by an argument."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import otelstream
from otelstream.frame import StreamFrame
from otelstream.span.options import SpanOptions
from otelstream.span.rules import Kind, Pair
from otelstream.testing import Script
from tests.e2e.received import ReceivedSpan, outline, spans_of
from tests.e2e.receiver import PROTOCOLS, Receiver, receiver_of
from tests.e2e.runs import observed_to

SHIPMENT = Kind(
    "shipment",
    "ship",
    named_by="shop.carrier",
    client=True,
    at_start={"shop.carrier": "carrier", "shop.parcels": "parcels"},
    at_end={"shop.tracking": "tracking"},
)
ROWS = (Pair(SHIPMENT, "shipment_started", ("shipment_done",), ("shipment_lost",), key="parcel"),)


def frames(end: str = "shipment_done") -> list[StreamFrame]:
    """Return a flow that ships a parcel."""
    script = Script()
    script.start("flow_started", flow_name="Shop")
    script.start("method_execution_started", flow_name="Shop", method_name="ship")
    script.start("shipment_started", carrier="pigeon", parcels=2, parcel="p1")
    script.emit("shipment_rested", where="a roof")
    script.end(end, tracking="T-1", error="a hawk", parcel="p1")
    script.end("method_execution_finished", flow_name="Shop", method_name="ship")
    script.end("flow_finished", flow_name="Shop")
    return script.frames


@pytest.fixture(params=PROTOCOLS)
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """A receiver of each protocol."""
    with receiver_of(request.param) as made:
        yield made


def shipment(spans: list[ReceivedSpan]) -> ReceivedSpan:
    """Return the span of the program's own row."""
    (found,) = (span for span in spans if span.name.startswith("ship"))
    return found


OUTLINE = ["invoke_workflow Shop", "  method ship", "    ship pigeon"]


def test_rows_by_argument_make_spans(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SpanOptions(rows=…)`: a span in its place, named, with the attributes that the row names."""
    observed_to(receiver, monkeypatch, frames(), spans=SpanOptions(rows=ROWS))
    spans = spans_of(receiver)
    span = shipment(spans)
    own = {key: value for key, value in span.attributes.items() if key.startswith("shop.")}

    assert (outline(spans), span.kind, own, [event.name for event in span.events]) == (
        OUTLINE,
        "CLIENT",
        {"shop.carrier": "pigeon", "shop.parcels": 2, "shop.tracking": "T-1"},
        ["shipment_rested"],
    )


def test_rows_by_variable_make_the_same_spans(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTELSTREAM_ROWS=module:NAME` does the same without a change of the program."""
    observed_to(receiver, monkeypatch, frames(), spans=SpanOptions(rows=ROWS))
    by_argument = spans_of(receiver)
    receiver.exports.clear()
    monkeypatch.setenv("OTELSTREAM_ROWS", "tests.e2e.test_user_rows:ROWS")
    observed_to(receiver, monkeypatch, frames())

    assert (spans_of(receiver), otelstream.losses()) == (by_argument, {})


def test_an_end_that_fails_is_an_error(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A type that the row names as a failure sets the status of its span."""
    observed_to(receiver, monkeypatch, frames("shipment_lost"), spans=SpanOptions(rows=ROWS))
    span = shipment(spans_of(receiver))

    assert (span.status, span.status_message, span.attributes["error.type"]) == ("ERROR", "a hawk", "_OTHER")


def test_without_rows_the_types_are_events(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no row knows is an event on the span around it."""
    observed_to(receiver, monkeypatch, frames())
    method = spans_of(receiver)[1]

    assert [event.name for event in method.events] == ["shipment_started", "shipment_rested", "shipment_done"]


def test_a_row_for_a_type_that_has_one_is_refused() -> None:
    """The runtime's own rows cannot be replaced: that is said where the options are made."""
    with pytest.raises(ValueError, match="flow_started"):
        SpanOptions(rows=(Pair(SHIPMENT, "flow_started", ("shipment_done",)),))
