"""This process as a new one that has some `OTEL*` variables and no others, whatever ran in it before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import pytest

import otelstream
from otelstream import bridge
from otelstream.bridge.counters import Losses
from tests.e2e.runs import golden, session

EVERYTHING: Final = otelstream.SpanOptions(content="SPAN_AND_EVENT", events="both", chunk_events="all")
"""Content in spans and records, and an event for each of a model's chunks: the most that a run can send."""


@contextmanager
def new_process(variables: Mapping[str, str]) -> Iterator[None]:
    """Within, nothing is left of what was observed before, and only those `OTEL*` variables are set."""
    otelstream.shutdown(5)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OTEL")]:
            patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(bridge, "_losses", Losses())
        yield


def observe(exporting: Mapping[str, str], names: Sequence[str]) -> Mapping[str, int]:
    """Observe golden streams with everything exported; return what was lost, by reason."""
    with new_process(exporting):
        for name in names:
            list(otelstream.observe(session(golden(name)), spans=EVERYTHING))
        return otelstream.losses() if otelstream.shutdown(30) else {"not flushed": 1}
