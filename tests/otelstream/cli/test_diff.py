"""`otelstream diff`: two sessions compared, with an exit code that tells a script how it went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import otelstream
from otelstream.testing import make_frame
from tests.e2e.runs import golden, session
from tests.otelstream.cli.conftest import Cli, Ended, Recordings


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the golden crew in which one token is another."""
    frames = list(golden())
    at = next(place for place, frame in enumerate(frames) if frame.type == "llm_stream_chunk")
    data = {**frames[at].data, "chunk": "other\x1b[2J"}
    frames[at] = frames[at].model_copy(update={"data": data})
    path = tmp_path_factory.mktemp("changed") / "changed.duckdb"
    list(otelstream.observe(session(frames), record=path))
    return path


def test_the_same_is_no_error(cli: Cli, recordings: Recordings) -> None:
    """Two recordings of the same run: one line, and exit code 0."""
    assert cli("diff", recordings.completed, recordings.both, "--other", "0") == Ended(
        0, f"same: {len(golden())} frames\n", ""
    )


def test_a_difference_is_exit_code_1(cli: Cli, recordings: Recordings, changed: Path) -> None:
    """The first difference is told, with nothing in it that a terminal would obey."""
    ended = cli("diff", recordings.completed, changed)

    assert (ended.code, ended.out.split(":")[0].split(",")[1:], ended.err) == (
        1,
        [" llm_stream_chunk", " differs at $.data.chunk"],
        "",
    )
    assert "now 'other\\x1b[2J'" in ended.out


def test_outcomes_differ(cli: Cli, recordings: Recordings) -> None:
    """A run that failed is not the same as one that gave a result, though their frames are."""
    ended = cli("diff", recordings.both, recordings.both, "--session", "0", "--other", "1")

    assert (ended.code, ended.out.splitlines()[0]) == (
        1,
        "the outcome differs at $.error: recorded null, now"
        ' {"class":"builtins:ValueError","args":["there is no tea"],"text":"there is no tea","cause":null}',
    )


def test_what_may_differ_is_told(cli: Cli, recordings: Recordings, changed: Path) -> None:
    """Paths that are ignored are not compared."""
    assert cli("diff", recordings.completed, changed, "--ignore", "$.data.chunk").code == 0


def test_rules_are_chosen(cli: Cli, tmp_path: Path) -> None:
    """A rule is compared by --exact, set aside by --aside, and refused where there is none of that name."""
    for name, tokens in (("one", 1), ("two", 2)):
        frame = make_frame("report", data={"total_tokens": tokens, "created_at": f"2026-11-2{tokens}"})
        list(otelstream.observe(session([frame]), record=tmp_path / f"{name}.jsonl"))
    pair = "diff", tmp_path / "one.jsonl", tmp_path / "two.jsonl"

    codes = [cli(*pair, *more).code for more in ((), ("--aside", "tokens"), ("--exact", "times"))]
    both = cli(*pair, "--aside", "tokens", "--exact", "times")
    refused = cli(*pair, "--exact", "clocks")

    assert codes == [1, 0, 1]
    assert "$.data.created_at" in both.out
    assert (refused.code, refused.err.partition(";")[0]) == (
        2,
        "otelstream: 'clocks' is no rule of a comparison",
    )


def test_json_for_programs(cli: Cli, recordings: Recordings, changed: Path) -> None:
    """As JSON the same facts are data, and the exit code is the same."""
    ended = cli("diff", recordings.completed, changed, "--json")
    told = json.loads(ended.out)

    assert (ended.code, told["verdict"], told["first"]["path"], told["first"]["right_value"]) == (
        1,
        "different",
        "$.data.chunk",
        "other\x1b[2J",
    )


def test_json_of_a_text_that_is_no_unicode(cli: Cli, tmp_path: Path) -> None:
    """Half a character in a value is no reason to tell nothing."""
    paths = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    for path, text in zip(paths, ("half \ud83d", "whole"), strict=True):
        list(otelstream.observe(session([make_frame("my_event", data={"text": text})]), record=path))

    ended = cli("diff", *paths, "--json")

    assert (ended.code, json.loads(ended.out)["first"]["left_value"]) == (1, "half \ud83d")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("missing.duckdb",), "missing.duckdb does not exist; check the path."),
        (("--ignore", "cost"), "'cost' is no path in a frame; write it as $.data.items[*].cost or $..cost."),
    ],
)
def test_what_cannot_be_compared_is_exit_code_2(
    cli: Cli, recordings: Recordings, arguments: tuple[str, ...], sentence: str
) -> None:
    """What cannot be read or is no path is one sentence, and exit code 2."""
    other = () if len(arguments) == 1 else (recordings.completed,)

    assert cli("diff", recordings.completed, *other, *arguments) == Ended(2, "", f"otelstream: {sentence}\n")
