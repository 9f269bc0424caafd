"""The token frames of a call as one, for comparisons in which it does not matter where a text was cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from otelstream.frame import FrameLike, StreamFrame, extra_fields, with_fields

_TOKENS: Final = frozenset(("llm_stream_chunk", "llm_thinking_chunk"))


def joined(frames: Iterable[FrameLike]) -> tuple[list[FrameLike], list[int]]:
    """Return the frames, in which one stands for all tokens of a text; and the ordinals that they had.

    It stands where the first of them stood. Text, thoughts and each tool call of a call are texts of their
    own; the arguments of a tool call are those of its last token.
    """
    kept: list[FrameLike] = []
    ordinals: list[int] = []
    texts: dict[tuple[str, ...], list[FrameLike]] = {}
    places: dict[int, list[FrameLike]] = {}
    stands_for: dict[str, str] = {}
    for ordinal, frame in enumerate(frames):
        text = _text_of(frame)
        if text is not None and text in texts:
            stands_for[frame.id] = texts[text][0].id
            texts[text].append(frame)
            continue
        if text is not None:
            texts[text] = places[len(kept)] = [frame]
        previous = stands_for.get(frame.previous_id or "", frame.previous_id)
        kept.append(frame if previous == frame.previous_id else _changed(frame, {"previous_id": previous}))
        ordinals.append(ordinal)
    for place, tokens in places.items():
        kept[place] = _changed(kept[place], {"data": _whole(tokens)})
    return kept, ordinals


def _text_of(frame: FrameLike) -> tuple[str, ...] | None:
    if frame.type not in _TOKENS or not isinstance(frame.data.get("chunk"), str):
        return None
    call = frame.data.get("tool_call")
    tool = (str(call.get("index")), str(call.get("id"))) if isinstance(call, dict) else ()
    return frame.type, str(frame.data.get("call_id")), *tool


def _whole(tokens: list[FrameLike]) -> dict[str, Any]:
    first, last = tokens[0].data, tokens[-1].data
    told = {"tool_call": last["tool_call"]} if "tool_call" in last else {}
    return {**first, **told, "chunk": "".join(token.data["chunk"] for token in tokens)}


def _changed(frame: FrameLike, fields: Mapping[str, Any]) -> StreamFrame:
    return with_fields(frame, {**extra_fields(frame), **fields})
