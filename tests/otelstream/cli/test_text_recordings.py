"""Commands on text recordings: each does what it does to a database, or says in one sentence why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import recorder
from otelstream.frame import frame_json
from tests.conftest import frames_of
from tests.e2e.runs import run_sync
from tests.otelstream.cli.conftest import Cli
from tests.recorder.recordings import content, end, session_id
from tests.recorder.text.made import text_of, written
from tests.recorder.text.test_reading import NO_HEADER, put


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text recording of the golden crew, that tests read and must not change."""
    path = tmp_path_factory.mktemp("text") / "crew.jsonl"
    run_sync({"record": path})
    return path


@pytest.fixture(scope="module")
def database(recording: Path) -> Path:
    """The same as a database."""
    path = recording.with_suffix(".duckdb")
    recorder.convert(recording, path)
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("show",),
        ("show", "--json"),
        ("cat",),
        ("replay",),
        ("replay", "--json"),
        ("tail", "-n", "3"),
        ("export", "jsonl"),
        ("sql", "--json", "SELECT * EXCLUDE (recorded_as) FROM sessions"),
        ("sql", "--json", "FROM llm_calls"),
    ],
    ids=" ".join,
)
def test_a_command_says_what_it_says_of_a_database(
    command: tuple[str, ...], cli: Cli, recording: Path, database: Path
) -> None:
    """The form of a recording changes nothing."""
    name, *options = command
    at = 1 if name == "export" else 0
    said = [cli(name, *options[:at], path, *options[at:]) for path in (recording, database)]

    assert said[0] == said[1]
    assert said[0].code == 0
    assert said[0].out


def test_ls_names_the_session(cli: Cli, recording: Path, database: Path) -> None:
    """With all that it says of one in a database, but for the file."""
    mine, other = (json.loads(cli("ls", path, "--json").out) for path in (recording, database))

    assert [{**each, "file": str(database)} for each in mine] == other


def test_info_counts_what_is_there(cli: Cli, recording: Path, database: Path) -> None:
    """The same as in a database, but for the file itself."""
    mine, other = (json.loads(cli("info", path, "--json").out) for path in (recording, database))

    assert (mine["formats"], mine["duckdb_versions"], mine["file_bytes"]) == (
        ["text 1"],
        [],
        recording.stat().st_size,
    )
    own = ("path", "formats", "duckdb_versions", "file_bytes", "bytes_per_frame")
    assert {name: mine[name] for name in mine if name not in own} == {
        name: other[name] for name in other if name not in own
    }


def test_frames_are_ingested_into_text(cli: Cli, tmp_path: Path) -> None:
    """As the sentence for lines without a header says."""
    frames = frames_of("08_method_raises")
    plain = put(tmp_path / "frames.jsonl", "".join(f"{frame_json(each)}\n" for each in frames).encode())
    refused = cli("ls", plain)
    ended = cli("ingest", plain, "--record", tmp_path / "x.jsonl", "--no-redact")

    assert (refused.code, refused.err) == (2, f"otelstream: {NO_HEADER.format(path=plain)}\n")
    assert (ended.code, ended.err) == (0, f"{len(frames)} frames recorded in {tmp_path / 'x.jsonl'}\n")
    assert [json.loads(line) for line in cli("cat", tmp_path / "x.jsonl").out.splitlines()] == [
        json.loads(frame_json(each)) for each in frames
    ]


def test_convert_says_what_it_made(cli: Cli, recording: Path, tmp_path: Path) -> None:
    """And refuses to replace what is there."""
    target = tmp_path / "y.duckdb"
    ended, again = cli("convert", recording, target), cli("convert", recording, target, "--json")
    frames = len(next(iter(content(recording).values())).frames)

    assert (ended.code, ended.out, ended.err) == (
        0,
        f"1 sessions with {frames} frames of 1 files are in {target}\n",
        "",
    )
    assert (again.code, again.err) == (2, f"otelstream: {target} exists; choose another name.\n")
    assert content(target) == content(recording)


def test_convert_takes_one_session(cli: Cli, tmp_path: Path) -> None:
    """As JSON it says what a merge says."""
    path = written(tmp_path / "x.jsonl", 1, 2)
    facts = json.loads(cli("convert", path, tmp_path / "y.jsonl", "--session", "-1", "--json").out)

    assert (facts["sessions"], facts["frames"], facts["output"]) == (1, 2, str(tmp_path / "y.jsonl"))
    assert list(content(tmp_path / "y.jsonl")) == [str(session_id(1))]


def test_a_directory_of_both_forms_is_merged_into_text(cli: Cli, database: Path, tmp_path: Path) -> None:
    """Sessions of a database and of text, oldest first."""
    path = written(tmp_path / "x.jsonl", 2)
    ended = cli("merge", path, database, "-o", tmp_path / "all.jsonl")

    assert ended.code == 0
    assert content(tmp_path / "all.jsonl") == {**content(path), **content(database)}


def test_secrets_are_masked_in_text(cli: Cli, tmp_path: Path) -> None:
    """Into text beside it, or in its place."""
    secret = "sk-" + "a1B2" * 8
    path = put(
        tmp_path / "x.jsonl", text_of(0, 2).replace(b'"result":"done"', f'"result":"{secret}"'.encode())
    )
    beside, in_place = cli("redact", path), cli("redact", path, "--in-place")
    texts = [each.read_text() for each in (tmp_path / "x-redacted.jsonl", path)]

    assert (beside.code, in_place.code, [secret in text for text in texts]) == (0, 0, [False, False])
    assert [each.frames for each in content(path).values()] == [
        [json.dumps(json.loads(line)["frame"], separators=(",", ":")) for line in texts[1].splitlines()[1:3]]
    ]


def test_the_doctor_finds_text_sound(cli: Cli, tmp_path: Path) -> None:
    """And says what it is."""
    path = written(tmp_path / "x.jsonl", 3)
    ended = cli("doctor", path)

    assert (ended.code, ended.out) == (
        0,
        f"{path}: text form 1, recorded by otelstream 0.1.0, {path.stat().st_size:,} bytes\n"
        "  1 sessions (1 completed), 3 frames\n"
        "  sound\n",
    )


def test_the_doctor_names_damaged_lines(cli: Cli, tmp_path: Path) -> None:
    """Each with its number, and what else is not as it should be; nothing is changed."""
    text = text_of(0, 3).replace(b'"seq":1', b'"seq":"x"') + text_of(1, 1, None) + b'{"offset_ns":5,"fra'
    path = put(tmp_path / "x.jsonl", text)
    ended = cli("doctor", path)

    assert (ended.code, ended.out.splitlines()[2:], path.read_bytes()) == (
        1,
        [
            "  error   line 3 is damaged: not a stream frame: seq: Input should be a valid integer, unable to"
            " parse string as an integer",
            "  warning it ends in 19 bytes of a line that is not whole",
            f"  error   {session_id(0)}: it ended with 3 frames, and 2 are there",
            f"  warning {session_id(1)}: its process died",
        ],
        text,
    )


def test_files_of_other_programs_are_no_fault(cli: Cli, tmp_path: Path) -> None:
    """Beneath a directory that is examined; named as such they are."""
    written(tmp_path / "x.jsonl", 1)
    other = put(tmp_path / "tea.jsonl", b'{"tea":"green"}\n')
    beneath, named = cli("doctor", tmp_path), cli("doctor", other)
    why = NO_HEADER.format(path=other)

    assert (beneath.code, beneath.out.splitlines()[-1]) == (0, f"info     {other}: {why}")
    assert (named.code, why in named.out) == (2, True)


def test_recover_says_that_an_editor_does_it(cli: Cli, tmp_path: Path) -> None:
    """Text needs no tool for that."""
    path = written(tmp_path / "x.jsonl", 1)
    ended = cli("recover", path)

    assert (ended.code, ended.err) == (
        2,
        f"otelstream: {path} is text, which an editor recovers: `otelstream doctor {path}` names the lines"
        " that are damaged; correct or remove them.\n",
    )


def test_old_text_is_pruned(cli: Cli, tmp_path: Path) -> None:
    """But for the sessions that stay, and for files of other programs."""
    (tmp_path / "runs").mkdir()
    gone = written(tmp_path / "runs" / "gone.jsonl", 1)
    kept = put(tmp_path / "runs" / "kept.jsonl", text_of(1, 1), text_of(2, 2, "failed"))
    other = put(tmp_path / "runs" / "other.jsonl", b'{"tea":"green"}\n')
    ended = cli("prune", tmp_path / "runs", "--max-bytes", "1B", "--keep", "failed")

    assert (ended.code, gone.exists(), other.exists()) == (0, False, True)
    assert list(content(kept)) == [str(session_id(2))]


def test_a_dry_run_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    """Of crashed sessions neither."""
    path = put(tmp_path / "x.jsonl", text_of(0, 2, None))
    before = path.read_bytes()
    ended = cli("prune", tmp_path, "--older-than", "1d", "--dry-run")

    assert (ended.code, path.read_bytes(), end(0).state) == (0, before, "completed")


def test_two_texts_are_compared(cli: Cli, recording: Path, database: Path) -> None:
    """With each other, and with databases."""
    assert [cli("diff", recording, other).code for other in (recording, database)] == [0, 0]
