"""Answers to SQL queries: as rows, dicts, Arrow tables, DataFrames; they only read, and hold nothing open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

import recorder
from otelstream.errors import RecordingError
from recorder import Answer, Recording
from recorder.query import BATCH_ROWS
from recorder.writer import Writer
from tests.recorder.test_many import fill, record

TWO = "SELECT name, state FROM sessions ORDER BY name"
ROWS = [("Flow1", "completed"), ("Flow4", "completed")]

WAYS: list[Callable[[Answer], object]] = [list, Answer.rows, Answer.dicts, Answer.arrow, Answer.fetch]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    """Two sessions in a file."""
    with recorder.open(record(tmp_path / "a.duckdb", 1, 4)) as opened:
        yield opened


def test_rows(recording: Recording) -> None:
    """All of them, in the query's order."""
    assert recording.sql(TWO).rows() == ROWS


def test_columns(recording: Recording) -> None:
    """Their names, without the rows."""
    assert recording.sql(TWO).columns == ("name", "state")


def test_dicts_tell_columns_of_one_name_apart(recording: Recording) -> None:
    """As DuckDB does in a subquery."""
    answer = recording.sql("SELECT 1 AS tea, 2 AS tea, 3 AS cup")

    assert (answer.dicts(), answer.fetch()) == (
        [{"tea": 1, "tea_1": 2, "cup": 3}],
        (["tea", "tea_1", "cup"], [(1, 2, 3)]),
    )


def test_an_arrow_table(recording: Recording) -> None:
    """Column by column, with the types of the query."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")

    assert recording.sql(TWO).arrow().to_pydict() == {
        "name": ["Flow1", "Flow4"],
        "state": ["completed", "completed"],
    }


def test_a_data_frame(recording: Recording) -> None:
    """With the columns of the query."""
    pytest.importorskip("pandas", reason="pandas is not installed")

    assert recording.sql(TWO).df().values.tolist() == [list(row) for row in ROWS]


@pytest.mark.parametrize(
    ("take", "module", "what"),
    [(Answer.arrow, "pyarrow", "an Arrow table"), (Answer.df, "pandas", "a DataFrame")],
)
def test_what_is_not_installed_is_named(
    take: Callable[[Answer], object],
    module: str,
    what: str,
    recording: Recording,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence says how to get it, and what to take without it."""
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(RecordingError) as raised:
        take(recording.sql(TWO))

    assert str(raised.value) == (
        f"{what} needs {module}, which is not installed; run pip install {module}, or take .rows()."
    )


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("SELECT name FROM sessions WHERE name = ?", ["Flow4"]),
        ("SELECT name FROM sessions WHERE name = $1", ["Flow4"]),
        ("SELECT name FROM sessions WHERE name = $wanted", {"wanted": "Flow4"}),
    ],
)
def test_parameters(query: str, parameters: list[object] | dict[str, object], recording: Recording) -> None:
    """By place, by number and by name."""
    assert recording.sql(query, parameters).rows() == [("Flow4",)]


def test_a_loop_goes_on_over_many_rows(recording: Recording) -> None:
    """Also over more of them than are in memory at a time."""
    rows = list(recording.sql(f"SELECT range FROM range({2 * BATCH_ROWS + 1})"))

    assert rows == [(number,) for number in range(2 * BATCH_ROWS + 1)]


def test_an_answer_is_found_anew(tmp_path: Path) -> None:
    """Each time that it is taken it says what the recording holds then."""
    path = record(tmp_path / "a.duckdb", 1)
    with recorder.open(path) as opened:
        answer = opened.sql("SELECT name FROM sessions ORDER BY name")
        before = answer.rows()
        record(path, 4)

        assert (before, answer.rows()) == ([("Flow1",)], [("Flow1",), ("Flow4",)])


@pytest.mark.parametrize("take", WAYS)
def test_nothing_is_held_afterwards(take: Callable[[Answer], object], recording: Recording) -> None:
    """The file can be written as soon as an answer has been taken."""
    take(recording.sql(TWO))

    Writer(recording.path).close()


def test_a_loop_that_is_left_holds_nothing(recording: Recording) -> None:
    """Not even one that has not come to its end."""
    rows = iter(recording.sql("FROM range(100000)"))
    next(rows)
    del rows

    Writer(recording.path).close()


@pytest.mark.parametrize("take", WAYS)
def test_nothing_can_be_changed(take: Callable[[Answer], object], recording: Recording) -> None:
    """Whichever way it is taken."""
    with pytest.raises(RecordingError, match="the query cannot be run: "):
        take(recording.sql("DELETE FROM session_starts RETURNING session"))

    assert recording.sql(TWO).rows() == ROWS


def test_the_writer_of_this_process_is_not_disturbed(tmp_path: Path) -> None:
    """A query sees what is committed, and what is not comes after it."""
    writer = Writer(tmp_path / "a.duckdb")
    fill(writer, 1)
    with recorder.open(writer.path) as opened:
        answer = opened.sql("SELECT name FROM sessions ORDER BY name")
        before = answer.rows()
        with pytest.raises(RecordingError):
            opened.sql("DROP TABLE chain").rows()
        fill(writer, 4)
        after = answer.rows()
    writer.close()

    assert (before, after) == ([("Flow1",)], [("Flow1",), ("Flow4",)])


@pytest.mark.parametrize("take", WAYS)
@pytest.mark.parametrize("query", ["", " ", ";", "-- nothing"])
def test_no_query_is_an_error(query: str, take: Callable[[Answer], object], recording: Recording) -> None:
    """It says what one looks like."""
    with pytest.raises(RecordingError, match=r"there is no query; write for example: FROM sessions"):
        take(recording.sql(query))


def test_two_queries_are_an_error(recording: Recording) -> None:
    """Only the answer to one could be given."""
    with pytest.raises(RecordingError, match="there is more than one; ask them one by one"):
        recording.sql("SELECT 1; SELECT 2").rows()


def test_a_wrong_query_is_one_sentence(recording: Recording) -> None:
    """It says what DuckDB says of it, on one line."""
    with pytest.raises(RecordingError) as raised:
        recording.sql("SELECT tea FROM sessions").rows()

    assert str(raised.value).startswith("the query cannot be run: Binder Error: ")
    assert "\n" not in str(raised.value)


def test_a_variable_is_what_the_query_asks_for(recording: Recording) -> None:
    """By its name, with a value of any type, whatever the name is; it is NULL in other queries."""
    query = """SELECT getvariable('tea'), getvariable('a"b')"""
    variables = {"tea": "green", 'a"b': 2}

    assert [recording.sql(query, variables=each).rows() for each in (variables, None)] == [
        [("green", 2)],
        [(None, None)],
    ]


def test_a_variable_does_not_stay_in_the_connection(recording: Recording) -> None:
    """Queries that share one ask for their own, after one that failed, too."""
    with recording.connection() as connection:
        for query in ("SELECT getvariable('tea')", "SELECT 1 / getvariable('nothing')::INT FROM nowhere"):
            with suppress(RecordingError):
                Answer(lambda: nullcontext(connection), query, variables={"tea": 1}).rows()
        left = connection.execute("SELECT getvariable('tea')").fetchall()

    assert left == [(None,)]
