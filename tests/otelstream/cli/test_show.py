"""`otelstream show`: the span tree of a session on a terminal, or as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import otelstream
import recorder
from tests.e2e.runs import golden, session
from tests.otelstream.cli.conftest import Cli, Recordings
from tests.otelstream.cli.directories import of_two

TREE = """\
invoke_workflow F  1.67 s
└── method run_crew  1.67 s
    └── invoke_workflow solo  1.03 s
        └── task one  985.9 ms
            └── invoke_agent Writer  974.3 ms
                └── chat gpt-4o-mini  943.5 ms  first chunk 932.7 ms  tokens 73 in 12 out  12 chunks
"""


def test_a_session_is_a_tree(cli: Cli, recordings: Recordings) -> None:
    """A line about the session, and its spans with times, tokens and chunks."""
    with recorder.open(recordings.completed) as recording:
        session_id = recording.session().id

    assert (
        cli("show", recordings.completed).out == f"session 0  {session_id}  F  completed  29 frames\n{TREE}"
    )


def test_a_failed_session_says_why(cli: Cli, recordings: Recordings) -> None:
    """The exception stands above the tree and at the root."""
    lines = cli("show", recordings.failed).out.splitlines()

    assert lines[1:3] == [
        "ValueError: there is no tea",
        "invoke_workflow F  1.67 s  ValueError: there is no tea",
    ]


def test_showing_a_failed_session_is_no_failure(cli: Cli, recordings: Recordings) -> None:
    """The exit code is that of the command, not that of the run it shows."""
    assert cli("show", recordings.failed).code == 0


def test_json_nests_the_spans(cli: Cli, recordings: Recordings) -> None:
    """A program gets the same tree, children inside their parents."""

    def names(span: dict[str, object]) -> list[object]:
        children = span["children"]
        assert isinstance(children, list)
        return [span["name"], *(names(child) for child in children)]

    assert names(json.loads(cli("show", recordings.completed, "--json").out)) == [
        "invoke_workflow F",
        [
            "method run_crew",
            ["invoke_workflow solo", ["task one", ["invoke_agent Writer", ["chat gpt-4o-mini"]]]],
        ],
    ]


def test_json_of_a_span_is_whole(cli: Cli, recordings: Recordings) -> None:
    """A span has its name, times, status, attributes, links, number of events and children."""
    root = json.loads(cli("show", recordings.completed, "--json").out)

    assert list(root) == [
        "name",
        "start_ns",
        "duration_ns",
        "status",
        "error",
        "attributes",
        "links",
        "events",
        "children",
    ]


def test_a_session_without_frames_has_no_tree(cli: Cli, tmp_path: Path) -> None:
    """A session that ended before its first frame is shown without spans."""
    list(otelstream.observe(session([]), record=tmp_path / "x.duckdb"))

    assert cli("show", "x.duckdb").out.splitlines()[1:] == ["It has no frames, so no spans."]


def test_a_session_without_frames_is_null_in_json(cli: Cli, tmp_path: Path) -> None:
    """The same for a program."""
    list(otelstream.observe(session([]), record=tmp_path / "x.duckdb"))

    assert cli("show", "x.duckdb", "--json").out == "null\n"


def test_a_session_of_a_directory_is_shown(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """Its index is the one that it has among all of them."""
    runs = of_two(recordings, tmp_path / "runs")

    assert [cli("show", runs, "-s", str(index)).out.partition("\n")[0].split()[3:] for index in range(2)] == [
        ["F", "completed", "29", "frames"],
        ["F", "failed", "29", "frames"],
    ]


def test_brackets_in_a_name_are_text(cli: Cli, tmp_path: Path) -> None:
    """A flow may be called as it likes: its name is not taken for formatting."""
    named = [
        frame.model_copy(update={"data": {**frame.data, "flow_name": "Tea[v2][/x]"}}) for frame in golden()
    ]
    list(otelstream.observe(session(named), record=tmp_path / "x.duckdb"))

    assert cli("show", "x.duckdb").out.count("Tea[v2][/x]") == 3
