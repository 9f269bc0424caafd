"""What the dashboards' PromQL means, evaluated by Prometheus itself over series that are made up here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboards.panels.metrics import DROPPED, RUNS
from dashboards.panels.promql import Scope, growth, mean, part, quantile, share, summed
from otelstream.span import names
from tests.backends.found import need_program

A, B = 'm{job="s", instance="a"}', 'm{job="s", instance="b"}'


def check(folder: Path, series: dict[str, str], expression: str, expected: dict[str, float], at: str) -> str:
    """Return promtool's complaint about the value of an expression over series of one sample a minute."""
    rules: dict[str, Any] = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": expression,
                        "eval_time": at,
                        "exp_samples": [
                            {"labels": labels, "value": value} for labels, value in expected.items()
                        ],
                    }
                ],
            }
        ],
    }
    file = folder / "rules.yaml"
    file.write_text(json.dumps(rules), encoding="utf-8")  # JSON is YAML
    command = [str(need_program("promtool")), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


GROWN = growth("m", "10m")
FAILED, ALL = summed(growth("f", "10m")), summed(GROWN)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("series", "expression", "expected"),
    [
        ({A: "5x30"}, summed(GROWN), {"{}": 0}),
        ({A: "0+1x30"}, summed(GROWN), {"{}": 10}),
        ({A: "_x24 7"}, summed(GROWN), {"{}": 7}),
        ({A: "_x24 7", B: "0+1x30"}, summed(GROWN), {"{}": 17}),
        ({A: "0+1x24 0 1 2 3 4 5"}, summed(GROWN), {"{}": 5}),
        ({A: "3x5 _x30"}, summed(GROWN), {}),
        ({A: "0+1x24 _x10"}, summed(GROWN), {"{}": 4}),
        ({A: "_x24 7", B: "_x24 1"}, summed(GROWN, ["instance"]), {'{instance="a"}': 7, '{instance="b"}': 1}),
        ({A: "0+1x30"}, part(FAILED, ALL), {"{}": 0}),
        ({A: "0+1x30", "f": "_x24 2"}, part(FAILED, ALL), {"{}": 2}),
        ({"other": "1x30"}, part(FAILED, ALL), {}),
        ({A: "0+1x30"}, share(FAILED, ALL), {"{}": 0}),
        ({A: "0+1x30", "f": "_x24 2"}, share(FAILED, ALL), {"{}": 0.2}),
        ({A: "5x30", "f": "1x30"}, share(FAILED, ALL), {}),
        ({A: "0+4x30", "s": "0+8x30"}, mean("s", "m", "10m"), {"{}": 2}),
        ({A: "5x30", "s": "8x30"}, mean("s", "m", "10m"), {}),
    ],
    ids=[
        "nothing happened",
        "one process grows",
        "a process with one export only",
        "an old and a new process",
        "a counter that began anew",
        "a process that was gone before",
        "a process that went",
        "apart by a label",
        "no failures are 0",
        "failures",
        "nothing known is not 0",
        "no failures are no share of something",
        "a share",
        "without runs there is no share",
        "a mean",
        "without measurements there is no mean",
    ],
)
def test_what_is_counted(
    tmp_path: Path, series: dict[str, str], expression: str, expected: dict[str, float]
) -> None:
    """Growth is exact, counts what a process had when it was first seen, and unknown is not 0."""
    assert check(tmp_path, series, expression, expected, "30m") == ""


@pytest.mark.backend
def test_the_check_can_fail(tmp_path: Path) -> None:
    """A wrong value is told."""
    assert "got:" in check(tmp_path, {A: "0+1x30"}, summed(GROWN), {"{}": 11}, "30m")


@pytest.mark.backend
def test_quantiles_of_all_processes(tmp_path: Path) -> None:
    """A quantile is that of all processes' measurements together, one of them seen once only."""
    series = {
        'h{instance="a", le="1"}': "0x30",
        'h{instance="a", le="2"}': "0+1x30",
        'h{instance="a", le="+Inf"}': "0+1x30",
        'h{instance="b", le="1"}': "_x29 10",
        'h{instance="b", le="2"}': "_x29 10",
        'h{instance="b", le="+Inf"}': "_x29 10",
    }
    expression = quantile(0.5, "h").replace("$__rate_interval", "10m")

    assert check(tmp_path, series, expression, {"{}": 1}, "30m") == ""


@pytest.mark.backend
@pytest.mark.parametrize("job", ["shop", "eu/shop"])
def test_a_service_is_found_with_its_namespace(tmp_path: Path, job: str) -> None:
    """The chosen service is selected with and without a namespace in front of it, and no other is."""
    selector = Scope({}).select(DROPPED, "m").replace("$service", "shop")
    series = {f'm{{job="{job}"}}': "1x30", 'm{job="workshop"}': "5x30", 'm{job="shop2"}': "7x30"}

    assert check(tmp_path, series, summed(selector), {"{}": 1}, "30m") == ""


def test_only_what_a_metric_carries_is_filtered() -> None:
    """A variable whose attribute the metric has not would select nothing."""
    scope = Scope({names.RUN_NAME: "flow", names.REQUEST_MODEL: "model"})

    assert scope.select(RUNS, RUNS.count, 'x="y"') == (
        'otelstream_run_duration_seconds_count{job=~"(.+/)?($service)", otelstream_run_name=~"$flow", x="y"}'
    )
