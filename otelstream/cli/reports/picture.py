"""Charts as a picture file, drawn by matplotlib without a screen: the same bytes for the same values."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from otelstream.cli.reports.charts import Chart
from otelstream.errors import ExportError, UsageError

SUFFIXES: Final = (".png", ".svg")

_STYLE: Final[Mapping[Any, object]] = {
    "text.parse_math": False,  # a name may hold dollars
    "svg.hashsalt": "otelstream",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 11,
    "axes.axisbelow": True,
    "font.size": 9,
    "font.family": [
        "DejaVu Sans",
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "WenQuanYi Zen Hei",
        "Hiragino Sans",
        "Microsoft YaHei",
        "Noto Sans",
        "Arial Unicode MS",
    ],
}
_WIDTH: Final = 9.0
"""Inches that a chart is wide."""
_ABOVE_EACH_OTHER: Final = 3
"""More charts than these stand in two columns."""


def check(path: Path) -> None:
    """Look whether a picture can be drawn into a file of that name.

    Raises:
        UsageError: It has another suffix, or matplotlib is missing.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no name of a picture; let it end in {' or '.join(SUFFIXES)}.")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its caches
    os.environ.pop("MPLBACKEND", None)  # of screens, and none is needed; a wrong one would end the import
    try:
        import_module("matplotlib")
    except ImportError:
        raise UsageError(
            "a picture needs matplotlib, which is not installed; run pip install 'otelstream[plot]',"
            " or draw on the terminal with --plot alone."
        ) from None


def write(charts: Sequence[Chart], path: Path) -> bool:
    """Write the charts below each other into a file, and say whether a font has every character.

    Raises:
        ExportError: The file cannot be written.
    """
    picture, is_legible = _drawn(charts, path.suffix[1:].lower())
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}; choose another path.") from None
    return is_legible


def _drawn(charts: Sequence[Chart], form: str) -> tuple[bytes, bool]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from otelstream.cli.reports.plots import draw, height

    across = 1 if len(charts) <= _ABOVE_EACH_OTHER else 2
    rows = [charts[first : first + across] for first in range(0, len(charts), across)]
    heights = [max(height(chart) for chart in row) for row in rows]
    made = io.BytesIO()
    with mpl.rc_context(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(_WIDTH * across, sum(heights)), layout="constrained")
        places = figure.subplots(len(rows), across, squeeze=False, height_ratios=heights).flat
        for chart, axes in zip(charts, places, strict=False):
            draw(axes, chart)
        for axes in places:
            axes.set_axis_off()
        metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
        figure.savefig(made, format=form, dpi=140, metadata=metadata)
    return made.getvalue(), not any("missing from" in str(each.message) for each in caught)
