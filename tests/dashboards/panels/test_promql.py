"""What the dashboards' PromQL means, evaluated by Prometheus itself over series that are made up here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboards.panels.metrics import DROPPED, RUNS
from dashboards.panels.promql import Scope, growth, mean, part, quantile, quantile_of_range, share, summed
from otelstream.span import names
from tests.backends.found import need_program

A, B = 'm{job="s", instance="a"}', 'm{job="s", instance="b"}'


@dataclass(frozen=True, slots=True)
class Case:
    """Series of one sample a minute, and what an expression is after half an hour.

    Attributes:
        name: What happened.
        series: Values of each series in promtool's words; `_` is no sample.
        expression: In PromQL.
        expected: Values by labels.
        at: When, if not after half an hour.
    """

    name: str
    series: Mapping[str, str]
    expression: str
    expected: Mapping[str, float]
    at: str = "30m"


def complaints(folder: Path, *cases: Case) -> str:
    """Return what promtool has to say against the expected values, nothing if they are right."""
    tests = [
        {
            "name": case.name,
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
            "promql_expr_test": [
                {
                    "expr": case.expression,
                    "eval_time": case.at,
                    "exp_samples": [
                        {"labels": labels, "value": value} for labels, value in case.expected.items()
                    ],
                }
            ],
        }
        for case in cases
    ]
    file = folder / "rules.yaml"
    file.write_text(
        json.dumps({"evaluation_interval": "1m", "tests": tests}), encoding="utf-8"
    )  # JSON is YAML
    command = [str(need_program("promtool")), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


GROWN = growth("m", "10m")
EACH = summed(GROWN, ["instance"])
FAILED, ALL = summed(growth("f", "10m")), summed(GROWN)
SERVICE = Scope({}).select(DROPPED, "m").replace("$service", "shop")
BUCKETS = {
    'h{instance="a", le="1"}': "0x30",
    'h{instance="a", le="2"}': "0+1x30",
    'h{instance="a", le="+Inf"}': "0+1x30",
    'h{instance="b", le="1"}': "_x29 10",
    'h{instance="b", le="2"}': "_x29 10",
    'h{instance="b", le="+Inf"}': "_x29 10",
}

COUNTED = (
    Case("nothing happened", {A: "5x30"}, ALL, {"{}": 0}),
    Case("one process grows", {A: "0+1x30"}, ALL, {"{}": 10}),
    Case("a process with one export only", {A: "_x24 7"}, ALL, {"{}": 7}),
    Case("an old and a new process", {A: "_x24 7", B: "0+1x30"}, ALL, {"{}": 17}),
    Case("a container that restarted once", {A: "0+1x24 0 1 2 3 4 5"}, f"round({ALL})", {"{}": 9}),
    Case("one that restarts all the time", {A: "0+1x2 " * 11}, f"{ALL} >= bool 6", {"{}": 1}),
    Case("one that restarted before its only export", {A: "9x19 _x9 2"}, ALL, {"{}": 2}),
    Case("a process that slept for a night", {A: "7x9 _x599 8"}, ALL, {"{}": 1}, at="610m"),
    Case("a process that was gone before", {A: "3x5 _x30"}, ALL, {}),
    Case("a process that went", {A: "0+1x24 _x10"}, ALL, {"{}": 4}),
    Case("apart by a label", {A: "_x24 7", B: "_x24 1"}, EACH, {'{instance="a"}': 7, '{instance="b"}': 1}),
)
DIVIDED = (
    Case("no failures are 0", {A: "0+1x30"}, part(FAILED, ALL), {"{}": 0}),
    Case("failures", {A: "0+1x30", "f": "_x24 2"}, part(FAILED, ALL), {"{}": 2}),
    Case("nothing known is not 0", {"other": "1x30"}, part(FAILED, ALL), {}),
    Case("no failures are a share of 0", {A: "0+1x30"}, share(FAILED, ALL), {"{}": 0}),
    Case("a share", {A: "0+1x30", "f": "_x24 2"}, share(FAILED, ALL), {"{}": 0.2}),
    Case("without runs there is no share", {A: "5x30", "f": "1x30"}, share(FAILED, ALL), {}),
    Case("a mean", {A: "0+4x30", "s": "0+8x30"}, mean("s", "m", "10m"), {"{}": 2}),
    Case("without measurements there is no mean", {A: "5x30", "s": "8x30"}, mean("s", "m", "10m"), {}),
)
OF_RANGE = quantile_of_range(0.5, "h").replace("$__range", "10m")
OVER_PROCESSES = (
    Case("a quantile", BUCKETS, quantile(0.5, "h").replace("$__rate_interval", "10m"), {"{}": 1}),
    Case("a quantile of all that is shown", BUCKETS, OF_RANGE, {"{}": 1}),
    Case("without measurements there is no quantile", dict.fromkeys(BUCKETS, "5x30"), OF_RANGE, {}),
)
SELECTED = tuple(
    Case(
        f"the service of {job}",
        {f'm{{job="{job}"}}': "1x30", 'm{job="workshop"}': "5x30", 'm{job="shop2"}': "7x30"},
        summed(SERVICE),
        {"{}": 1},
    )
    for job in ("shop", "eu/shop")
)


@pytest.mark.backend
def test_growth_and_shares_are_exact(tmp_path: Path) -> None:
    """Growth counts what a process had when it was first seen, unknown is not 0, processes are one."""
    assert complaints(tmp_path, *COUNTED, *DIVIDED, *OVER_PROCESSES, *SELECTED) == ""


@pytest.mark.backend
def test_the_check_can_fail(tmp_path: Path) -> None:
    """One wrong value among right ones is told, and only that one."""
    found = complaints(tmp_path, Case("one too many", {A: "0+1x30"}, ALL, {"{}": 11}), *COUNTED)

    assert found.count("got:") == 1


def test_only_what_a_metric_carries_is_filtered() -> None:
    """A variable whose attribute the metric has not would select nothing."""
    scope = Scope({names.RUN_NAME: "flow", names.REQUEST_MODEL: "model"})

    assert scope.select(RUNS, RUNS.count, 'x="y"') == (
        'otelstream_run_duration_seconds_count{job=~"(.+/)?($service)", otelstream_run_name=~"$flow", x="y"}'
    )
