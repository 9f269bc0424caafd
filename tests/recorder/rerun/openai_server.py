"""A server on this machine that answers as OpenAI's chat completions do: from a list, one by one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Reply: TypeAlias = str | tuple[str, dict[str, Any]] | int
"""A text, a call of a tool with its arguments, or an HTTP status that is an error."""

_USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}


@contextmanager
def serving(replies: Sequence[Reply]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the address of a server, and the requests that it has got so far."""
    requests: list[dict[str, Any]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(requests)
                requests.append(request)
            body, kind, status = _answer(replies[number], number, request)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(reply: Reply, number: int, request: dict[str, Any]) -> tuple[bytes, str, int]:
    if isinstance(reply, int):
        message = "Rate limit reached" if reply == 429 else "The server is upset"
        body = {"error": {"message": message, "type": "server_error", "code": None}}
        return json.dumps(body).encode(), "application/json", reply
    head: dict[str, Any] = {"id": f"chatcmpl-{number}", "created": 1, "model": request["model"]}
    if request.get("stream"):
        return _events(reply, head), "text/event-stream", 200
    choice = {"index": 0, "finish_reason": _reason(reply), "message": _message(reply, number)}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    return json.dumps(whole).encode(), "application/json", 200


def _reason(reply: Reply) -> str:
    return "stop" if isinstance(reply, str) else "tool_calls"


def _message(reply: str | tuple[str, dict[str, Any]], number: int) -> dict[str, Any]:
    if isinstance(reply, str):
        return {"role": "assistant", "content": reply, "refusal": None}
    return {"role": "assistant", "content": None, "tool_calls": [_call(reply, number)]}


def _call(reply: tuple[str, dict[str, Any]], number: int) -> dict[str, Any]:
    name, arguments = reply
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _events(reply: str | tuple[str, dict[str, Any]], head: dict[str, Any]) -> bytes:
    number = int(head["id"].rpartition("-")[2])
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if isinstance(reply, str):
        deltas += [{"content": reply[at : at + 7]} for at in range(0, len(reply), 7)]
    else:
        call = _call(reply, number)
        text = call["function"]["arguments"]
        named: dict[str, Any] = {**call, "index": 0, "function": {"name": reply[0], "arguments": ""}}
        pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
        deltas += [
            {"tool_calls": [named]},
            *({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces),
        ]
    ends = [None] * len(deltas) + [_reason(reply)]
    choices = [
        {"index": 0, "delta": delta, "finish_reason": end}
        for delta, end in zip([*deltas, {}], ends, strict=True)
    ]
    chunks: list[dict[str, Any]] = [
        *({"choices": [choice]} for choice in choices),
        {"choices": [], "usage": _USAGE},
    ]
    lines = [json.dumps({**head, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
