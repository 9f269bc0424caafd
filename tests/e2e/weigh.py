"""Prints what the mixed load and some runs beyond it weigh on the wire: `python -m tests.e2e.weigh`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Final

import otelstream
from otelstream.span.options import SpanOptions
from tests.e2e.load import EVERYTHING, LoadRun, mixed_load, play
from tests.e2e.payloads import Figures, exceeded, measured
from tests.e2e.receiver import GrpcReceiver, variables
from tests.e2e.scripted import long_answer, many_agents, many_steps

LOADS: Final[Mapping[str, Callable[[], Sequence[LoadRun]]]] = {
    "50 runs": mixed_load,
    "200,000 chunks": lambda: [LoadRun("200,000 chunks", tuple(long_answer(1, 200_000)))],
    "5,000 steps": lambda: [LoadRun("5,000 steps", tuple(many_steps(1)))],
    "100 agents": lambda: [LoadRun("100 agents", tuple(many_agents(1)))],
}
"""The load, and single runs that are larger than any should be."""


def weighed(runs: Sequence[LoadRun], spans: SpanOptions) -> Figures:
    """Play runs to a gRPC receiver, and return what they weigh.

    Raises:
        RuntimeError: Something was lost on the way.
    """
    with GrpcReceiver() as receiver:
        os.environ.update(variables(receiver, metrics=True))
        play(runs, pausing=spans.pending_spans, spans=spans)
        otelstream.shutdown(60)
        if otelstream.losses():
            raise RuntimeError(f"lost: {otelstream.losses()}")
        return measured(receiver)


def main() -> None:
    """Print what the load and the hard runs weigh, with defaults and with everything, as a table."""
    found = {
        f"{name}, {setting}": weighed(make(), options)
        for name, make in LOADS.items()
        for setting, options in (("defaults", SpanOptions()), ("everything", EVERYTHING))
    }
    sys.stdout.write(f"| | {' | '.join(found)} |\n|---|{'---:|' * len(found)}\n")
    for field in fields(Figures):
        cells = (f"{attrgetter(field.name)(figures):,}" for figures in found.values())
        sys.stdout.write(f"| {field.name} | {' | '.join(cells)} |\n")
    for name, figures in found.items():
        for line in exceeded(figures):
            sys.stdout.write(f"\n{name}: {line}")


if __name__ == "__main__":
    main()
