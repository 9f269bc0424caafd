"""Fifty secrets, always the same, and sessions that have them everywhere; also a program that dies with them.

Run as `python -m tests.e2e.programs.canaries RECORD`: it is killed in the middle of its session.
"""

from __future__ import annotations

import os
import random
import signal
import string
import sys
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel

import otelstream
from otelstream.frame import StreamFrame
from otelstream.testing import Script
from recorder import StreamSession

_ALNUM: Final = string.ascii_letters + string.digits
_chance: Final = random.Random(50)


def _drawn(length: int, alphabet: str = _ALNUM) -> str:
    """Return random characters, a digit and a letter among them."""
    return "".join(_chance.choice(alphabet) for _ in range(length - 2)) + "q7"


FORMS: Final[dict[str, tuple[str, int]]] = {
    "openai": ("sk-proj-{}", 40),
    "github": ("ghp_{}", 36),
    "github fine": ("github_pat_{}", 60),
    "google": ("AIza{}", 35),
    "slack": ("xoxb-{}", 40),
    "hugging face": ("hf_{}", 34),
    "gitlab": ("glpat-{}", 20),
    "stripe": ("sk_live_{}", 24),
    "groq": ("gsk_{}", 40),
    "npm": ("npm_{}", 36),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", 60),
    "bearer": ("Authorization: Bearer {}", 32),
    "private key": ("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", 190),
    "connection string": ("postgres://app:{}@db.example/prod", 20),
    "query": ("https://maps.example/api?key={}&zoom=3", 24),
    "signature": ("https://blob.example/c?sv=1&sig={}", 30),
    "pair": ("password={} ", 16),
    "json": ('{{"api_key": "{}"}}', 16),
    "python": ("{{'client_secret': '{}'}}", 16),
    "flag": ("--token {} --verbose", 20),
}
"""How secrets read in texts, and how long their random part is."""

WHOLE: Final = {name: _drawn(length) for name, (_, length) in FORMS.items()}
"""The random parts of those that stand in one text."""

STREAMED: Final = {name: _drawn(length) for name, (_, length) in FORMS.items()}
"""Of those that come in pieces of one to five characters."""

AWS: Final = ("AKIA", _drawn(14, string.ascii_uppercase + string.digits).upper() + "Q7")
UNDER_KEYS: Final = {
    "api_key": _drawn(18),
    "Authorization": _drawn(18),
    "X-Api-Key": _drawn(18),
    "Set-Cookie": _drawn(18),
    "password": _drawn(18),
    "private_key": _drawn(18),
    "result": _drawn(18),
}
VARIABLES: Final = {"SERVICE_PASSWORD": _drawn(14) + "+/=" + _drawn(10), "DEPLOY_TOKEN": _drawn(24)}
"""Secret variables of the environment; nothing else tells that their values are secret."""

SECRETS: Final = [*WHOLE.values(), *STREAMED.values(), AWS[1], *UNDER_KEYS.values(), *VARIABLES.values()]


def written(name: str, secret: str) -> str:
    """Return a secret as it reads in a text."""
    return FORMS[name][0].format(secret)


class Report(BaseModel):
    """A result of the program's own class."""

    password: str
    note: str


def result() -> Report:
    """Return the result of the run."""
    return Report(password=UNDER_KEYS["result"], note=f"Done with {written('npm', WHOLE['npm'])} as asked.")


def error() -> Exception:
    """Return what the other run raises."""
    text = written("connection string", WHOLE["connection string"])
    return PermissionError(f"{text} refused, as was {VARIABLES['DEPLOY_TOKEN']}", {"pwd": WHOLE["slack"]})


def frames() -> list[StreamFrame]:
    """Return a session that has every secret in it."""
    texts = {name: f"Use {written(name, secret)} now." for name, secret in WHOLE.items()}
    script = Script()
    script.start(
        "flow_started", flow_name="Leaky", inputs={"note": texts["openai"], AWS[0] + AWS[1]: "as a key"}
    )
    script.start("method_execution_started", flow_name="Leaky", method_name="work", state=_state(texts))
    script.start("task_started", task={"description": texts["github"], "config": {"deep": [texts["json"]]}})
    script.start("agent_execution_started", agent={"role": "Clerk", "backstory": texts["python"]})
    _speak(script, texts)
    _call_tools(script, texts)
    script.end("agent_execution_completed", agent={"role": "Clerk"}, output=texts["private key"])
    script.end("task_completed", output={"raw": texts["bearer"], "summary": texts["jwt"]})
    script.emit("my_event", url=f"https://x.example/{quote(VARIABLES['SERVICE_PASSWORD'], safe='')}/y")
    script.end(
        "method_execution_finished", flow_name="Leaky", method_name="work", result=texts["hugging face"]
    )
    script.end("flow_finished", flow_name="Leaky", result=texts["gitlab"], state=_state(texts))
    return script.frames


def _state(texts: dict[str, str]) -> dict[str, Any]:
    headers = {name: UNDER_KEYS[name] for name in ("Authorization", "X-Api-Key", "Set-Cookie")}
    return {
        "api_key": UNDER_KEYS["api_key"],
        "headers": headers,
        "nested": {"credentials": {"user": "app", "password": [UNDER_KEYS["password"]]}},
        "private_key": {"pem": UNDER_KEYS["private_key"]},
        "notes": [texts["google"], texts["query"], {"more": texts["signature"]}],
        "variable": f"it is {VARIABLES['SERVICE_PASSWORD']}, as set",
    }


def _speak(script: Script, texts: dict[str, str]) -> None:
    """Let a model read secrets and say others, some of them as arguments of a tool."""
    names = list(STREAMED)
    messages = [{"role": "system", "content": texts["pair"]}, {"role": "user", "content": texts["flag"]}]
    for number, name in enumerate(names):
        call = {"call_id": f"call-{number}", "model": "m"}
        said = f"Take {written(name, STREAMED[name])} then. And {VARIABLES['DEPLOY_TOKEN']} too."
        script.start("llm_call_started", **call, messages=messages)
        if number % 2:
            _fragments(script, call, f'{{"command": "curl", "note": "{said}"}}')
        else:
            for piece in pieces(said):
                script.emit("llm_stream_chunk", **call, chunk=piece, tool_call=None, call_type="llm_call")
        script.end("llm_call_completed", **call, response=said, messages=messages, call_type="llm_call")


def _fragments(script: Script, call: dict[str, str], arguments: str) -> None:
    so_far = ""
    for piece in pieces(arguments):
        so_far += piece
        function = {"name": "run", "arguments": so_far}
        tool_call = {"id": "t", "type": "function", "index": 0, "function": function}
        script.emit("llm_stream_chunk", **call, chunk=piece, tool_call=tool_call, call_type="tool_call")


def pieces(text: str, seed: int = 5) -> Iterator[str]:
    """Yield a text in pieces of one to five characters, always the same ones for a seed."""
    chance = random.Random(f"{seed} {text}")
    at = 0
    while at < len(text):
        size = chance.randint(1, 5)
        yield text[at : at + size]
        at += size


def _call_tools(script: Script, texts: dict[str, str]) -> None:
    script.start("tool_usage_started", tool_name="run", tool_args={"note": texts["github fine"], "n": [1]})
    script.end("tool_usage_finished", tool_name="run", output=texts["stripe"], tool_args=texts["groq"])
    script.start("tool_usage_started", tool_name="run", tool_args=texts["connection string"])
    script.end("tool_usage_error", tool_name="run", error=texts["slack"])
    script.emit("tool_usage_note", text=texts["npm"])


def main() -> None:
    """Record, commit at every frame, and die before the end."""
    os.environ.update(VARIABLES)
    session: StreamSession[None] = StreamSession(sync_iterator=iter(frames()))
    for number, _ in enumerate(otelstream.observe(session, record=sys.argv[1])):
        if number % 2 == 0:
            otelstream.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
