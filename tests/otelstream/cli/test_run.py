"""`otelstream run`: a flow by its name, streamed, recorded and exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.received import spans_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import golden, recorded
from tests.otelstream.cli.conftest import Cli, Ended

FLOWS = "tests.otelstream.cli.flows"
TEXT = "".join(frame.content for frame in golden())


@pytest.mark.parametrize("name", ["Tea", "made", "make_tea"])
def test_a_flow_is_a_class_an_object_or_a_function(cli: Cli, name: str) -> None:
    """The text comes as it is streamed, and then the result."""
    assert cli("run", f"{FLOWS}:{name}") == Ended(0, f"{TEXT}\nresult: 'tea'\n", "")


def test_inputs_are_json_or_text(cli: Cli) -> None:
    """`--input` may be repeated; a value that is no JSON is text."""
    ended = cli(
        "run", f"{FLOWS}:Tea", "-i", "cups=2", "--input", "kind=green", "-i", "note=a=b", "-i", "milk="
    )

    assert ended.out.splitlines()[-1] == "result: {'cups': 2, 'kind': 'green', 'note': 'a=b', 'milk': ''}"


def test_a_run_is_recorded(cli: Cli, tmp_path: Path) -> None:
    """`--record` makes the file, and the command says how many frames are in it."""
    ended = cli("run", f"{FLOWS}:Tea", "--record", "x.duckdb")
    session = recorded(tmp_path / "x.duckdb")

    assert (ended.err, session.state, session.frame_count, session.start.entry_point) == (
        "29 frames recorded in x.duckdb\n",
        "completed",
        29,
        f"{FLOWS}:Tea",
    )


def test_a_run_is_exported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans go where the variables say."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        cli("run", f"{FLOWS}:Tea")

    assert len(spans_of(receiver)) == 6


def test_a_failing_run_is_one_sentence(cli: Cli) -> None:
    """The exit code is 1, and the sentence has the exception."""
    assert cli("run", f"{FLOWS}:NoTea") == Ended(
        1, f"{TEXT}\n", f"otelstream: {FLOWS}:NoTea failed: ValueError: there is no tea\n"
    )


def test_a_failing_run_keeps_its_frames(cli: Cli, tmp_path: Path) -> None:
    """What came before the exception is in the recording, which is marked as failed."""
    cli("run", f"{FLOWS}:NoTea", "--record", "x.duckdb")
    session = recorded(tmp_path / "x.duckdb")

    assert (session.state, session.frame_count) == ("failed", 29)


def test_a_run_without_a_result_is_no_traceback(cli: Cli) -> None:
    """A session may end without a result."""
    assert cli("run", f"{FLOWS}:QuietTea").code == 0


def test_a_recording_that_cannot_be_made_does_not_stop_the_run(cli: Cli) -> None:
    """The flow runs to its end, and the frames that are missing are told."""
    ended = cli("run", f"{FLOWS}:Tea", "--record", "/proc/otelstream/x.duckdb")

    assert (ended.out.splitlines()[-1], ended.err) == ("result: 'tea'", "otelstream: 29 lost (recording)\n")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("flows", "'flows' names no flow; write it as MODULE:FLOW, for example app.flows:MyFlow."),
        (":Tea", "':Tea' names no flow; write it as MODULE:FLOW, for example app.flows:MyFlow."),
        ("flows:", "'flows:' names no flow; write it as MODULE:FLOW, for example app.flows:MyFlow."),
        ("teahouse:Tea", "teahouse:Tea cannot be imported: there is no module 'teahouse' here."),
        ("broken:Tea", "broken:Tea cannot be imported: RuntimeError: no water"),
        (
            "misspelt:Tea",
            "misspelt:Tea cannot be imported: SyntaxError: '(' was never closed (misspelt.py, line 1)",
        ),
        ("needy:Tea", "needy:Tea cannot be imported: it needs the module 'teahouse'."),
        (
            f"{FLOWS}:Coffee",
            f"{FLOWS}:Coffee cannot be found: module '{FLOWS}' has no attribute 'Coffee'; check its name.",
        ),
        (f"{FLOWS}:cups", f"{FLOWS}:cups is a int, not a CrewAI Flow; name a Flow class or object."),
        (f"{FLOWS}:break_pot", f"{FLOWS}:break_pot cannot be made: ValueError: the pot is broken"),
        (
            f"{FLOWS}:Kettle",
            f"{FLOWS}:Kettle cannot be made: TypeError: Kettle.__init__() missing 1 required positional"
            " argument: 'litres'",
        ),
    ],
)
def test_what_cannot_be_run_is_one_sentence(cli: Cli, name: str, why: str, tmp_path: Path) -> None:
    """The sentence says what was wrong with which name, and the exit code is 2."""
    (tmp_path / "broken.py").write_text("raise RuntimeError('no water')\n")
    (tmp_path / "misspelt.py").write_text("tea = (\n")
    (tmp_path / "needy.py").write_text("import teahouse\n")

    assert cli("run", name) == Ended(2, "", f"otelstream: {why}\n")


def test_a_module_that_exits_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    """A script that ends the program when it is imported is no flow."""
    (tmp_path / "leaving.py").write_text("raise SystemExit(7)\n")
    ended = cli("run", "leaving:Tea")

    assert (ended.code, ended.err.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", ["Model", "Crate"])
def test_what_does_not_stream_frames_is_one_sentence(cli: Cli, name: str) -> None:
    """Something with a `stream_events` of another kind is told as what it is, and the exit code is 2."""
    ended = cli("run", f"{FLOWS}:{name}")

    assert (ended.code, ended.err.count("\n"), f"{FLOWS}:{name}" in ended.err) == (2, 1, True)


@pytest.mark.parametrize("given", ["cups", "=2", ""])
def test_an_input_without_a_name_is_one_sentence(cli: Cli, given: str) -> None:
    """The sentence quotes the input and gives an example."""
    assert cli("run", f"{FLOWS}:Tea", "--input", given) == Ended(
        2,
        "",
        f"otelstream: --input {given!r} is no KEY=VALUE pair; write for example --input topic=tea.\n",
    )
