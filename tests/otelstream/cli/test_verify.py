"""`otelstream verify`: recordings of yesterday against today's code."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import otelstream
import recorder
from tests.otelstream.cli.conftest import Cli, Ended

pytestmark = pytest.mark.crewai

APPS = "tests.otelstream.cli.apps"
TIME = re.compile(r" +\d+\.\d\d s  ")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a flow, another flow, a chat of two turns, a call, a secret, and a cancelled run."""
    from otelstream.demo.scripted_llm import Say, ScriptedLLM
    from tests.otelstream.cli import apps

    folder = tmp_path_factory.mktemp("made")
    record(apps.yesterday().stream_events(inputs={"topic": "tea"}), folder / "ask.duckdb")
    record(apps.yesterday().stream_events(inputs={"topic": {"a": {"b": [1, "two"]}}}), folder / "ask.duckdb")
    record(apps.OtherFlow().stream_events(), folder / "other.duckdb")
    record(apps.yesterday().stream_events(inputs={"topic": "tea"}), folder / "text.jsonl")
    asyncio.run(arecord(folder / "async.duckdb"))
    chat = apps.chatting(Say("Green."), Say("Three grams."))
    for message in ("Which tea?", "How much?"):
        record(chat.stream_turn(message, session_id="guest"), folder / "chat.duckdb")
    record(ScriptedLLM([Say("Green.")], model="small").stream_events("Which tea?"), folder / "call.duckdb")
    secret = {"topic": "sk-proj-0123456789abcdefghijklmnopqrstuvwxyzABCD"}
    record(apps.yesterday().stream_events(inputs=secret), folder / "secret.duckdb")
    with otelstream.observe(
        apps.yesterday().stream_events(inputs={"topic": "a"}), record=folder / "cut.duckdb"
    ) as cut:
        next(iter(cut))
    return folder


def record(session: Any, path: Path) -> None:  # noqa: ANN401 (of CrewAI's)
    """Record a session."""
    for _ in otelstream.observe(session, record=path):
        pass


async def arecord(path: Path) -> None:
    """Record an asynchronous run."""
    from tests.otelstream.cli import apps

    async for _ in otelstream.observe(apps.yesterday().astream(inputs={"topic": "tea"}), record=path):
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for recordings."""
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


Verify = Callable[..., Ended]


@pytest.fixture
def verify(cli: Cli, made: Path, folder: Path) -> Verify:
    """Runs `otelstream verify` on a folder with some of the recordings."""

    def run(names: Iterable[str], app: str, *options: str) -> Ended:
        for name in names:
            shutil.copy(next(made.glob(f"{name}.*")), folder)
        return cli("verify", "runs", "--app", f"{APPS}:{app}", *options)

    return run


def untimed(text: str) -> list[str]:
    """The lines of an output without their seconds."""
    return [TIME.sub("  ", line) for line in text.splitlines()]


def test_runs_of_the_same_code_are_the_same(verify: Verify) -> None:
    """Both are told in order, with nothing of what the flow prints between; the model knows no answer."""
    ended = verify(["ask"], "today")

    assert (ended.code, untimed(ended.out)) == (
        0,
        [
            "same  runs/ask.duckdb #0 AskFlow",
            "same  runs/ask.duckdb #1 AskFlow",
            "2 verdicts: 2 same",
        ],
    )
    assert "printed: It is green." in ended.err


@pytest.mark.parametrize(("name", "suffix"), [("async", "duckdb"), ("text", "jsonl")])
def test_every_kind_of_recording_is_verified(verify: Verify, name: str, suffix: str) -> None:
    """A run that was consumed with `async for`, and a recording of text."""
    ended = verify([name], "today")

    assert (ended.code, untimed(ended.out)[0]) == (0, f"same  runs/{name}.{suffix} #0 AskFlow")


def test_the_demo_is_the_same(cli: Cli) -> None:
    """Two agents with tools, as `otelstream demo` records them."""
    recorded = cli("demo", "--delay", "0")
    ended = cli("verify", "demo.duckdb", "--app", "otelstream.demo.flow:DemoFlow")

    assert (recorded.code, ended.code) == (0, 0)
    assert untimed(ended.out) == ["same  demo.duckdb #0 DemoFlow", "1 verdicts: 1 same"]


def test_a_run_elsewhere_is_the_same(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes no difference that CrewAI believes it runs under a coding agent."""
    monkeypatch.setenv("CLAUDECODE", "1")

    assert verify(["ask"], "today").code == 0


def test_what_the_program_observes_is_not_recorded_again(cli: Cli, tmp_path: Path) -> None:
    """A flow that records another one records nothing; and that one, run in it, is the same alone."""
    from tests.otelstream.cli import apps

    record(apps.observing().stream_events(), tmp_path / "outer.duckdb")
    before = (tmp_path / "inner.duckdb").read_bytes()
    outer = cli("verify", "outer.duckdb", "--app", f"{APPS}:observing")
    inner = cli("verify", "inner.duckdb", "--app", f"{APPS}:today")

    assert (outer.code, inner.code) == (0, 0)
    assert (tmp_path / "inner.duckdb").read_bytes() == before


def last_of(made: Path, frame_type: str) -> int:
    """The ordinal of the last frame of a type in the first run; CrewAI's own may be before it, or not."""
    with recorder.open(made / "ask.duckdb") as recording:
        frames = list(recording.frames(recording.session(0)))
    return max(ordinal for ordinal, frame in enumerate(frames) if frame.type == frame_type)


def test_a_changed_prompt_diverges_at_its_call(verify: Verify, made: Path) -> None:
    """The verdict names the frame of the recorded call and shows both prompts; others are verified, too."""
    ended = verify(["ask"], "reworded")
    at = last_of(made, "llm_call_started")

    assert ended.code == 1
    assert untimed(ended.out)[0] == f"diverged at frame {at}  runs/ask.duckdb #0 AskFlow"
    assert "    -What of tea?" in ended.out.splitlines()
    assert "    +What of tea, please?" in ended.out.splitlines()
    assert ended.out.splitlines()[-1] == "2 verdicts: 2 diverged"


def test_a_changed_result_diverges_at_its_frame(verify: Verify) -> None:
    """The calls are the same, and the JSON path and both values are told."""
    ended = verify(["ask"], "relabelled", "--session", "0")

    assert ended.code == 1
    assert re.match(r"diverged at frame \d+ ", ended.out)
    assert "$.data.result" in ended.out
    assert "tea: It is green." in ended.out
    assert "Tea: It is green." in ended.out


def test_code_that_fails_diverges(verify: Verify, made: Path) -> None:
    """A run that had a result ends with an exception, which is told before the frames that differ."""
    ended = verify(["ask"], "failing", "--session", "0")
    at = last_of(made, "method_execution_finished")

    lines = untimed(ended.out)
    assert (ended.code, lines[:2]) == (
        1,
        [f"diverged at frame {at}  runs/ask.duckdb #0 AskFlow", "    it fails now: ValueError: no label"],
    )
    assert "method_execution_finished" in lines[2]


def test_a_secret_in_a_failure_of_today_is_masked(verify: Verify, tmp_path: Path) -> None:
    """A report is kept and shown by a CI server, and the frames beside it are masked, too."""
    from tests.otelstream.cli import apps

    ended = verify(["text"], "telling_a_secret", "--junit", "out.xml")

    assert "it fails now: ValueError: no such key: REDACTED" in ended.out
    assert apps.KEY not in ended.out + (tmp_path / "out.xml").read_text()


def test_code_that_ends_the_process_diverges(verify: Verify) -> None:
    """An exit code of 0 in the midst of a run does not become that of the gate."""
    ended = verify(["async"], "leaving")

    assert (ended.code, untimed(ended.out)) == (
        1,
        [
            "diverged  runs/async.duckdb #0 AskFlow",
            "    it ends the process now: SystemExit: 0",
            "1 verdicts: 1 diverged",
        ],
    )


def test_what_may_differ_is_ignored(verify: Verify) -> None:
    """`--ignore` sets JSON paths aside."""
    ended = verify(["ask"], "relabelled", "-s", "0", "--ignore", "$.data.result", "--ignore", "$.result")

    assert (ended.code, untimed(ended.out)[-1]) == (0, "1 verdicts: 1 same")


def test_with_live_models_a_changed_prompt_is_answered(verify: Verify) -> None:
    """`--on-miss live` lets today's model answer, and then the prompts differ as frames do."""
    ended = verify(["ask"], "reworded", "--session", "0", "--on-miss", "live")

    assert (ended.code, "$.data.messages" in ended.out) == (1, True)


def test_runs_of_another_flow_are_skipped(verify: Verify) -> None:
    """They are told, and fail nothing."""
    ended = verify(["ask", "other"], "today")

    assert ended.code == 0
    assert untimed(ended.out)[2:] == [
        "skipped  runs/other.duckdb #2 OtherFlow",
        f"    it is a run of the flow OtherFlow, and {APPS}:today is AskFlow",
        "3 verdicts: 2 same, 1 skipped",
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("secret", "its input 'topic' holds a secret that is masked in the recording"),
        ("cut", "it was cancelled before its end"),
        ("other", "it is a run of the flow OtherFlow"),
    ],
)
def test_where_nothing_is_compared_the_code_is_two(verify: Verify, name: str, why: str) -> None:
    """A gate must not pass because there was nothing to verify."""
    ended = verify([name], "today")

    assert (ended.code, why in ended.out, ended.out.splitlines()[-1]) == (
        2,
        True,
        "1 verdicts: 1 skipped; nothing was compared",
    )


def test_a_run_whose_process_died_is_skipped(cli: Cli, made: Path, tmp_path: Path) -> None:
    """A recording of text without its last line has no end."""
    lines = (made / "text.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "died.jsonl").write_text("".join(lines[:-1]))
    ended = cli("verify", "died.jsonl", "--app", f"{APPS}:today")

    assert (ended.code, untimed(ended.out)[:2]) == (
        2,
        [
            "skipped  died.jsonl #0 AskFlow",
            "    its process died before its end; only whole runs are compared",
        ],
    )


def test_a_run_that_cannot_be_served_is_skipped(verify: Verify) -> None:
    """Nobody is asked anything; the reason says what no recording can serve."""
    ended = verify(["text"], "asking_a_person")

    assert (ended.code, untimed(ended.out)[:1]) == (2, ["skipped  runs/text.jsonl #0 AskFlow"])
    assert "Human input cannot be served from a recording" in ended.out


def test_turns_of_a_conversation_are_the_same(verify: Verify) -> None:
    """The second turn is said to the flow that the first one was said to."""
    ended = verify(["chat"], "chat")

    assert (ended.code, untimed(ended.out)[-1]) == (0, "2 verdicts: 2 same")


def test_a_turn_without_the_one_before_it_is_skipped(verify: Verify) -> None:
    """Its flow would not know what was said."""
    ended = verify(["chat"], "chat", "--session", "1")

    assert (ended.code, "it is a later turn of the conversation guest" in ended.out) == (2, True)


def test_a_call_of_a_model_is_the_same(verify: Verify) -> None:
    """The app is a model that may be one for all calls."""
    ended = verify(["call"], "model")

    assert (ended.code, untimed(ended.out)) == (0, ["same  runs/call.duckdb #0 small", "1 verdicts: 1 same"])


def test_a_damaged_file_is_told(verify: Verify, folder: Path) -> None:
    """The others are verified, and the exit code says that not all were."""
    (folder / "broken.duckdb").write_text("tea" * 10_000)
    ended = verify(["ask"], "today")

    assert ended.code == 2
    assert untimed(ended.out)[2] == "unreadable  runs/broken.duckdb"
    assert ended.out.splitlines()[-1] == "3 verdicts: 2 same, 1 unreadable"


def test_the_junit_report_has_every_session(verify: Verify, tmp_path: Path) -> None:
    """Failures and what was skipped are found there by a CI server."""
    verify(["ask", "other"], "reworded", "--junit", "out.xml")

    (suite,) = ET.parse(tmp_path / "out.xml").getroot()
    cases = [(case.get("classname"), [child.tag for child in case]) for case in suite]
    assert (suite.get("failures"), suite.get("skipped"), cases) == (
        "2",
        "1",
        [
            ("runs/ask.duckdb", ["failure"]),
            ("runs/ask.duckdb", ["failure"]),
            ("runs/other.duckdb", ["skipped"]),
        ],
    )


def test_verdicts_are_json_for_programs(verify: Verify) -> None:
    """Nothing else is on standard output."""
    ended = verify(["ask"], "today", "--json", "--session", "0")

    (facts,) = json.loads(ended.out)
    assert {key: facts[key] for key in ("file", "index", "name", "kind", "frame", "text")} == {
        "file": "runs/ask.duckdb",
        "index": 0,
        "name": "AskFlow",
        "kind": "same",
        "frame": None,
        "text": "",
    }


@pytest.mark.parametrize(
    ("app", "options", "why"),
    [
        ("one_flow", (), f"{APPS}:one_flow is one flow, and each recorded run needs one of its own"),
        ("gone", (), f"{APPS}:gone cannot be found"),
        ("leaving_at_once", (), f"{APPS}:leaving_at_once cannot be made: SystemExit: 0"),
        ("APPS", (), f"{APPS}:APPS cannot be found"),
        ("today", ("--serve", "tea"), "--serve 'tea' is nothing that can be served"),
        ("today", ("--ignore", "result"), "'result' is no path in a frame"),
        ("today", ("--session", "9"), "runs has no session '9'"),
        ("today", ("--junit", "gone/out.xml"), "--junit gone/out.xml cannot be written"),
    ],
)
def test_wrong_usage_is_one_sentence(verify: Verify, app: str, options: tuple[str, ...], why: str) -> None:
    """The sentence says what was wrong with which value, and the exit code is 2."""
    ended = verify(["other"], app, *options)

    assert (ended.code, f"otelstream: {why}" in ended.err, "Traceback" in ended.err) == (2, True, False)


def test_a_folder_without_recordings_is_one_sentence(verify: Verify) -> None:
    """There is nothing to verify."""
    assert verify([], "today") == Ended(
        2, "", "otelstream: runs holds no recording (*.duckdb, *.jsonl); check the path.\n"
    )
