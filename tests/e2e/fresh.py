"""Golden runs observed in this process as a new one would that has some `OTEL*` variables and no others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

import pytest

import otelstream
from otelstream import bridge
from otelstream.bridge.counters import Losses
from tests.e2e.runs import golden, session

EVERYTHING: Final = otelstream.SpanOptions(content="SPAN_AND_EVENT", events="both", chunk_events="all")
"""Content in spans and records, and an event for each of a model's chunks: the most that a run can send."""


def observe(exporting: Mapping[str, str], names: Sequence[str]) -> Mapping[str, int]:
    """Observe golden streams with everything exported; return what was lost, by reason."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OTEL")]:
            patch.delenv(name)
        for name, value in exporting.items():
            patch.setenv(name, value)
        patch.setattr(bridge, "_losses", Losses())
        for name in names:
            list(otelstream.observe(session(golden(name)), spans=EVERYTHING))
        return otelstream.losses() if otelstream.shutdown(30) else {"not flushed": 1}
