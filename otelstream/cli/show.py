"""`otelstream show`: the span tree of a session."""

from __future__ import annotations

from pydantic_core import to_json

from otelstream.bridge.reexport import span_tree
from otelstream.cli import spantree
from otelstream.cli.arguments import AsJson, RecordingPath, SessionName
from otelstream.cli.opening import opened
from otelstream.cli.options import span_options
from otelstream.cli.terminal import console, plain


def show(recording: RecordingPath, session: SessionName = "last", *, as_json: AsJson = False) -> None:
    """Print the span tree of a session: times, tokens and status."""
    with opened(recording) as reading:
        recorded = reading.session(session)
        root = span_tree(reading, recorded, span_options())
    if as_json:
        print(to_json(None if root is None else spantree.as_json(root), indent=2).decode())
        return
    out = console()
    end = recorded.end
    name, state = plain(recorded.start.name or ""), plain(recorded.state)
    out.print(f"session {recorded.index}  {recorded.id}  {name}  {state}  {recorded.frame_count} frames")
    if end is not None and end.error_type is not None:
        out.print(plain(f"{end.error_type}: {end.error_message}"), style="red")
    if root is None:
        out.print("It has no frames, so no spans.")
    else:
        spantree.print_tree(out, root)
