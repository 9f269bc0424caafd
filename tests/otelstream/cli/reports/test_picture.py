"""Charts as picture files."""

from __future__ import annotations

import logging
import re
import struct
import sys
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otelstream.cli.reports import picture
from otelstream.cli.reports.charts import Chart, charts_of
from otelstream.cli.reports.drawings import DRAWINGS
from otelstream.errors import ExportError, UsageError
from tests.e2e.runs import run_python
from tests.otelstream.cli.conftest import Cli, Recordings
from tests.otelstream.cli.reports.answered import HOURS, RUNS, answer

matplotlib = pytest.importorskip(
    "matplotlib", reason="matplotlib is not installed: pip install 'otelstream[plot]'"
)


def runs(*names: str) -> list[Chart]:
    """A chart of flows of such names, the first of its report's."""
    return charts_of(answer("runs", RUNS, *((name, 3, 1, 0, 0.00001, 5e6) for name in names)))[:1]


def texts(path: Path) -> set[str]:
    """The texts that an SVG file has been drawn from: matplotlib leaves them as comments."""
    found = re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"), re.DOTALL)
    return {text.replace("&#45;", "-") for text in found}


def test_a_picture_is_made_of_a_report(cli: Cli, recordings: Recordings, tmp_path: Path) -> None:
    """A PNG of a size that can be looked at; nothing is printed."""
    ended = cli("stats", recordings.both, "-r", "models", "--output", "models.png")
    head = (tmp_path / "models.png").read_bytes()[:24]
    width, height = struct.unpack(">II", head[16:])

    assert (ended.code, ended.out, ended.err, head[:8]) == (0, "", "", b"\x89PNG\r\n\x1a\n")
    assert 1_000 < width < 1_500
    assert 300 < height < 1_500


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_the_same_values_are_the_same_bytes(name: str, tmp_path: Path) -> None:
    """No date, no version, no random id."""
    files = [tmp_path / folder / name for folder in "xy"]
    for file in files:
        file.parent.mkdir()
        picture.write(runs("Tea"), file)

    assert files[0].read_bytes() == files[1].read_bytes()


def test_texts_have_units(tmp_path: Path) -> None:
    """Title, names, ticks and values of a chart of durations."""
    rows = answer("slowest_tools", ("tool", "p50_s", "p95_s", "longest_s"), ("kettle", 0.5, 1.5, None))
    picture.write(charts_of(rows), tmp_path / "a.svg")

    assert texts(tmp_path / "a.svg") >= {
        *("How long tools take", "kettle", "500 ms", "1.5 s", "0 s", "unknown", "duration", "p50", "longest"),
    }


def test_names_are_text_and_no_formulas(tmp_path: Path) -> None:
    """Dollars, brackets and a leading underscore mean nothing, on an axis and in a legend."""
    names = ["$x^2$", "$broken{", "_hidden", r"\alpha", "<b>&amp;"]
    hours = answer("runs_by_hour", HOURS, *((datetime(2026, 11, 20, 9), name, 1) for name in names))
    picture.write([*runs(*names), *charts_of(hours), *runs("a"), *runs("b")], tmp_path / "a.svg")
    found = texts(tmp_path / "a.svg")

    assert [name for name in (*names[:4], " _hidden", "b") if name not in found] == []


def test_characters_that_no_font_has_are_no_noise(tmp_path: Path) -> None:
    """They are boxes, of which the caller is told; no warning comes out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = [picture.write(runs(name), tmp_path / "a.png") for name in ("Tea", "\U0001fad6\U0001f9ff")]

    assert told == [True, False]


@pytest.mark.parametrize("report", sorted(DRAWINGS))
def test_a_report_of_nothing_is_a_picture_that_says_so(report: str, tmp_path: Path) -> None:
    """Titles stay, axes without values are not drawn."""
    picture.write(charts_of(answer(report, ())), tmp_path / "a.svg")

    assert texts(tmp_path / "a.svg") == {*(drawing.title for drawing in DRAWINGS[report]), "nothing to draw"}


def test_every_stack_stands_on_the_one_before(tmp_path: Path) -> None:
    """So the height of an hour is the number of its runs, over gaps in time, too."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from otelstream.cli.reports.plots import draw

    first = datetime(2026, 11, 20, 9)
    rows = [(first, "Tea", 3), (first, "Cup", 2), (first + timedelta(days=2), "Tea", 4)]
    axes = Figure().subplots()
    draw(axes, charts_of(answer("runs_by_hour", HOURS, *rows))[0])

    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert [(bar.get_y(), bar.get_height()) for bar in bars] == [(0, 3), (0, 4), (3, 2)]


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_drawn(year: int, tmp_path: Path) -> None:
    """No axis goes beyond them: the times of a text recording may be edited to any."""
    hour = datetime(year, 1, 1, 0) if year == 1 else datetime(year, 12, 31, 23)
    picture.write(charts_of(answer("runs_by_hour", HOURS, (hour, "Tea", 1))), tmp_path / "a.svg")

    assert "Runs that began in each hour (UTC)" in texts(tmp_path / "a.svg")


def test_a_wrong_backend_does_not_matter(tmp_path: Path) -> None:
    """A picture needs no screen, so what the environment says of screens is not read."""
    program = "import pathlib, otelstream.cli.reports.picture as p; p.check(pathlib.Path('a.png'))"
    ended = run_python(["-c", program], tmp_path, {"MPLBACKEND": "tea"})

    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """It names the file and what to do."""
    with pytest.raises(
        ExportError, match=r"^.*/no/a.png cannot be written: No such file or directory; choose"
    ):
        picture.write(runs("Tea"), tmp_path / "no" / "a.png")


def test_a_missing_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install, before the recording is read."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'otelstream\[plot\]'"):
        picture.check(Path("a.png"))


def test_matplotlib_keeps_its_caches_to_itself() -> None:
    """It would tell on standard error of fonts and folders; a user asked for a picture."""
    logging.getLogger("matplotlib").setLevel(logging.NOTSET)
    picture.check(Path("a.png"))

    assert not logging.getLogger("matplotlib.font_manager").isEnabledFor(logging.WARNING)
