from __future__ import annotations

from pathlib import Path

import pytest

from recorder.cassettes.layout import Layout, file_name, layout_of


@pytest.mark.parametrize(
    ("name", "test", "file"),
    [
        (None, "test_answer", "test_answer.jsonl"),
        (None, "TestChat.TestDeep.test_answer", "TestChat.TestDeep.test_answer.jsonl"),
        (None, "test_answer[de-1]", "test_answer-de-1.jsonl"),
        (None, "test_answer[]", "test_answer-.jsonl"),
        (None, "test_answer[a/b]", "test_answer-a-b-c14cddc0.jsonl"),
        (None, "test_answer[a b]", "test_answer-a-b-c8687a08.jsonl"),
        (None, "test_answer[A]", "test_answer-A-559aead0.jsonl"),
        (None, "test_answer[a]", "test_answer-a.jsonl"),
        (None, "test_answer[[1]]", "test_answer--1--080a9ed4.jsonl"),
        (None, "test_ä", "test_--40b8fe13.jsonl"),
        (None, "t" * 300, "t" * 100 + "-0afa5eb0.jsonl"),
        (None, f"test[{'x' * 300}]", "test-" + "x" * 100 + "-0d4e2ca9.jsonl"),
        ("answer", "test_answer", "answer.jsonl"),
        ("answer", "test_answer[de]", "answer-de.jsonl"),
        ("a/b.c", "test_answer", "a/b.c.jsonl"),
        ("answer.duckdb", "test_answer[de]", "answer.duckdb"),
        ("../tea.jsonl", "test_answer[de]", "../tea.jsonl"),
    ],
)
def test_file_name(name: str | None, test: str, file: str) -> None:
    """A name is made of the marker's or the test's, safe for every file system, one for each case."""
    assert file_name(name, test) == file


def test_places_beside_the_tests() -> None:
    """By default each module has a folder in `recordings` beside it."""
    layout = layout_of(Path("/p/tests/unit/test_a.py"), Path("/p"), None)
    assert layout == Layout(Path("/p/tests/unit/recordings"), Path("/p/tests/unit"))
    assert layout.folder_of(Path("/p/tests/unit/test_a.py")) == Path("/p/tests/unit/recordings/test_a")


@pytest.mark.parametrize(
    ("chosen", "module", "folder"),
    [
        ("data", "/p/tests/unit/test_a.py", "/p/data/tests/unit/test_a"),
        ("/data", "/p/tests/unit/test_a.py", "/data/tests/unit/test_a"),
        ("data", "/elsewhere/test_a.py", "/p/data/test_a"),
    ],
)
def test_places_in_a_folder_of_choice(chosen: str, module: str, folder: str) -> None:
    """A folder for all recordings mirrors the folders of the tests."""
    assert layout_of(Path(module), Path("/p"), chosen).folder_of(Path(module)) == Path(folder)


def test_module_of_a_recording(tmp_path: Path) -> None:
    """The module that a recording belongs to is found by its place, if it exists."""
    layout = Layout(tmp_path / "recordings", tmp_path)
    (tmp_path / "test_a.py").touch()
    found = [
        layout.module_of(layout.recordings / name)
        for name in ("test_a/x.jsonl", "test_a/deep/x.jsonl", "test_gone/x.jsonl", "x.jsonl")
    ]
    assert found == [tmp_path / "test_a.py", tmp_path / "test_a.py", None, None]


def test_files(tmp_path: Path) -> None:
    """Recordings are found in every folder; what is being made, and what is none, is not among them."""
    layout = Layout(tmp_path, tmp_path)
    for name in ("b.jsonl", "a/c.duckdb", "a/notes.txt", ".being-recorded-1/d.jsonl", "a/c.duckdb.wal"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(layout.files()) == [tmp_path / "a/c.duckdb", tmp_path / "b.jsonl"]
