"""The dashboards as files of JSON, and which of them are not what the code says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.panels.agents_and_tools import agents_and_tools
from dashboards.panels.board import Board, dashboard_of
from dashboards.panels.llm import llm
from dashboards.panels.pipeline_health import pipeline_health
from dashboards.panels.run_detail import run_detail
from dashboards.panels.runs import runs

FOLDER: Final = Path(__file__).parents[1] / "grafana"

BOARDS: Final[tuple[Callable[[], Board], ...]] = (runs, run_detail, llm, agents_and_tools, pipeline_health)


def texts() -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each dashboard."""
    for make in BOARDS:
        board = make()
        text = json.dumps(dashboard_of(board), cls=JSONEncoder, indent=2, ensure_ascii=False)
        yield FOLDER / f"{board.file}.json", text + "\n"


def write_all() -> None:
    """Write every dashboard's file."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in texts():
        path.write_text(text, encoding="utf-8")


def complaints() -> Iterator[str]:
    """Yield one sentence for each file that is missing, stale, or nobody's."""
    known = set()
    for path, text in texts():
        known.add(path)
        if not path.exists():
            yield f"dashboards/grafana/{path.name} is missing; run `make docs`."
        elif path.read_text(encoding="utf-8") != text:
            yield f"dashboards/grafana/{path.name} is not what the code says; run `make docs`."
    for path in sorted(set(FOLDER.glob("*.json")) - known):
        yield f"dashboards/grafana/{path.name} is made by no code; remove it."
