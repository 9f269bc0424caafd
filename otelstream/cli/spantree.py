"""A span tree on a terminal: names, times, tokens and status."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from otelstream.cli.terminal import plain
from otelstream.span import names
from otelstream.span.model import Attributes
from otelstream.span.tree import SpanNode


def print_tree(console: Console, root: SpanNode) -> None:
    """Print a span and everything beneath it."""
    console.print(_branch(root, None))


def as_json(node: SpanNode) -> dict[str, object]:
    """Return a span and everything beneath it as JSON-able values; times in ns since the epoch."""
    return {
        "name": node.started.name,
        "start_ns": node.started.start_ns,
        "duration_ns": node.duration_ns,
        "status": "ok" if node.error is None else "error",
        "error": None if node.error is None else {"type": node.error.type, "message": node.error.message},
        "attributes": dict(node.attributes),
        "links": [{"to": link.to, "relation": link.relation} for link in node.started.links],
        "events": len(node.events),
        "children": [as_json(child) for child in node.children],
    }


def _branch(node: SpanNode, above: Tree | None) -> Tree:
    branch = Tree(_line(node)) if above is None else above.add(_line(node))
    for child in node.children:
        _branch(child, branch)
    return branch


def _line(node: SpanNode) -> Text:
    line = Text(plain(node.started.name), style="bold" if node.started.parent is None else "")
    line.append(f"  {_duration(node.duration_ns)}", style="cyan")
    for part, style in _parts(node.attributes):
        line.append(plain(f"  {part}"), style=style)
    end = node.attributes.get(names.END, "completed")
    if node.error is not None:
        known = "" if node.error.type == names.ERROR_TYPE_OTHER else f"{node.error.type}: "
        line.append(plain(f"  {known}{node.error.message}"), style="red")
    elif end != "completed":
        line.append(f"  {end}", style="yellow")
    return line


def _parts(attributes: Attributes) -> Iterator[tuple[str, str]]:
    """Yield what a line says of a span besides its name and duration, with the style of each."""
    first = attributes.get(names.TIME_TO_FIRST_CHUNK)
    if isinstance(first, float):
        yield f"first chunk {_duration(round(first * 1e9))}", "dim"
    tokens = [attributes.get(key) for key in (names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS)]
    if any(count is not None for count in tokens):
        yield "tokens {} in {} out".format(*("?" if count is None else count for count in tokens)), ""
    if names.CHUNK_COUNT in attributes:
        yield f"{attributes[names.CHUNK_COUNT]} chunks", "dim"
    if names.STALLS in attributes:
        yield f"{attributes[names.STALLS]} stalls", "yellow"
    for key in sorted(key for key in attributes if key.startswith(names.ANOMALY_PREFIX)):
        yield f"{key.removeprefix(names.ANOMALY_PREFIX)} {attributes[key]}", "yellow"


def _duration(ns: int) -> str:
    return f"{ns / 1e9:.2f} s" if ns >= 1_000_000_000 else f"{ns / 1e6:.1f} ms"
