"""`otelstream sql`: questions to a recording, and to nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.otelstream.cli.conftest import Cli, Ended, Recordings


def test_rows_are_a_table(cli: Cli, recordings: Recordings) -> None:
    """Column names and values, one line per row."""
    query = "SELECT type, count(*) AS n FROM frames GROUP BY type ORDER BY n DESC, type LIMIT 2"

    assert cli("sql", recordings.completed, query).out.split() == [
        *("type", "n"),
        *("llm_stream_chunk", "12"),
        *("flow_finished", "2"),
    ]


def test_rows_are_objects_in_json(cli: Cli, recordings: Recordings) -> None:
    """A program gets one object per row."""
    query = "SELECT state, error_message FROM sessions ORDER BY started_at"

    assert json.loads(cli("sql", recordings.both, query, "--json").out) == [
        {"state": "completed", "error_message": None},
        {"state": "failed", "error_message": "there is no tea"},
    ]


def test_no_rows_are_no_error(cli: Cli, recordings: Recordings) -> None:
    """A query that finds nothing gives an empty list."""
    assert cli("sql", recordings.completed, "FROM frames WHERE false", "--json") == Ended(0, "[]\n", "")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'tea'", "tea"),
        ("NULL", None),
        ("'nan'::DOUBLE", None),
        ("DATE '2026-11-21'", "2026-11-21"),
        ("TIMESTAMP '2026-11-21 10:00:00'", "2026-11-21T10:00:00"),
        ("'4ac3e1f0-0000-7000-8000-000000000001'::UUID", "4ac3e1f0-0000-7000-8000-000000000001"),
        ("170141183460469231731687303715884105727::HUGEINT", 2**127 - 1),
        ("[1, 2]", [1, 2]),
        ("{'cup': 1}", {"cup": 1}),
        (r"'\xFF'::BLOB", r"\xFF"),
        ("TIMESTAMPTZ '2026-11-21 10:00:00+00'", "2026-11-21T10:00:00Z"),
    ],
)
def test_every_type_has_a_json_form(cli: Cli, expression: str, value: object, recordings: Recordings) -> None:
    """What DuckDB can return, a program can read."""
    ended = cli("sql", recordings.completed, f"SELECT {expression} AS x", "--json")

    assert (ended.code, json.loads(ended.out or "[]")) == (0, [{"x": value}])


def test_columns_of_one_name_are_all_there(cli: Cli, recordings: Recordings) -> None:
    """Two columns of the same name are two values in JSON, too."""
    ended = cli("sql", recordings.completed, "SELECT 1 AS x, 2 AS x", "--json")

    assert list(json.loads(ended.out)[0].values()) == [1, 2]


def test_brackets_in_values_are_text(cli: Cli, recordings: Recordings) -> None:
    """A value is not taken for formatting."""
    assert cli("sql", recordings.completed, "SELECT '[/x]' AS x").out.split() == ["x", "[/x]"]


def test_brackets_in_names_are_text(cli: Cli, recordings: Recordings) -> None:
    """The name of a column is not taken for formatting."""
    assert cli("sql", recordings.completed, "SELECT 1 AS '[/x]'").out.split() == ["[/x]", "1"]


def test_a_syntax_error_is_one_sentence(cli: Cli, recordings: Recordings) -> None:
    """DuckDB's own words say where the query is wrong."""
    assert cli("sql", recordings.completed, "SELEC 1") == Ended(
        2, "", 'otelstream: the query cannot be run: Parser Error: syntax error at or near "SELEC".\n'
    )


@pytest.mark.parametrize("query", ["", " ", ";"])
def test_no_query_is_an_error(cli: Cli, query: str, recordings: Recordings) -> None:
    """A query of nothing is told in one sentence."""
    ended = cli("sql", recordings.completed, query)

    assert (ended.code, ended.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_csv('/etc/passwd')",
        "FROM read_text('/etc/passwd')",
        "FROM '/etc/passwd'",
        "FROM glob('/etc/*')",
        "COPY (SELECT 1) TO 'out.csv'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'out.duckdb'",
        "ATTACH 'out.duckdb' AS out; CREATE TABLE out.x (a INT)",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM 'https://127.0.0.1/x.csv'",
        "CREATE TABLE x (a INT)",
        "INSERT INTO header VALUES (1, '', '', now())",
        "UPDATE header SET format_version = 2",
        "DELETE FROM frames",
        "DROP TABLE frames",
        "ALTER TABLE frames ADD COLUMN x INT",
    ],
)
def test_reaching_out_or_writing_is_refused(
    cli: Cli, query: str, recordings: Recordings, tmp_path: Path
) -> None:
    """No query reads another file, loads an extension, changes the recording or makes a file."""
    before = recordings.completed.read_bytes()
    ended = cli("sql", recordings.completed, query)

    assert (
        ended.code,
        ended.out,
        ended.err.count("\n"),
        list(tmp_path.iterdir()),
        recordings.completed.read_bytes() == before,
    ) == (2, "", 1, [], True)


COMMENTED = "-- how many sessions\nSELECT count(*) AS n FROM sessions"


def test_a_query_in_a_file(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """It may begin with a comment, which as an argument would be an option."""
    (tmp_path / "report.sql").write_text(COMMENTED)

    assert cli("sql", recordings.both, "-f", "report.sql").out.split() == ["n", "2"]


def test_a_query_on_standard_input(cli: Cli, recordings: Recordings) -> None:
    """A dash stands for it."""
    assert cli("sql", recordings.both, "--file", "-", stdin=COMMENTED.encode()).out.split() == ["n", "2"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-f", "nowhere.sql"], "'nowhere.sql': No such file or directory"),
        (["FROM sessions", "-f", "-"], "the SQL is given twice; give an argument, or --file."),
    ],
)
def test_no_one_query_is_an_error(
    arguments: list[str], sentence: str, cli: Cli, recordings: Recordings
) -> None:
    """A file that is not there, or two queries, are wrong usage."""
    ended = cli("sql", recordings.both, *arguments)

    assert (ended.code, ended.out, sentence in ended.err) == (2, "", True)
