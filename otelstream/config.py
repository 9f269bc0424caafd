"""Every parameter of the bridge: its environment variable, its default and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from otelstream.span.chunks import ChunkEvents

PREFIX: Final = "OTELSTREAM_"


class Settings(BaseModel):
    """Parameters of one process, each settable as `OTELSTREAM_<NAME>`."""

    model_config = ConfigDict(frozen=True)

    chunk_events: ChunkEvents = Field(
        default="coalesced",
        description="What becomes of token frames on LLM spans: at most 100 events a call (`coalesced`),"
        " one event per frame (`all`), or their count only (`off`).",
    )
    internal_flows: Literal["collapse", "keep"] = Field(
        default="collapse",
        description="Whether CrewAI's own flows (AgentExecutor, EncodingFlow, RecallFlow) get no span.",
    )
    batch_ms: int = Field(
        default=100, ge=1, le=10_000, description="How long frames gather before they are handled, in ms."
    )
    batch_frames: int = Field(
        default=1_000, ge=1, description="Most frames that one commit of the recording holds."
    )
    queue_mb: int = Field(
        default=256,
        ge=1,
        description="Most that may wait in memory per session, in MB by estimate; more is dropped, counted.",
    )
    flush_timeout_ms: int = Field(
        default=5_000,
        ge=0,
        description="Longest wait for spans and recording at the end of a session, in ms.",
    )

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
        """Return the settings of the environment, and a sentence for each value that cannot be used.

        Such a value falls back to its default: a typing error must not break the observed program.
        """
        given: dict[str, Any] = {
            name: environ[PREFIX + name.upper()]
            for name in cls.model_fields
            if environ.get(PREFIX + name.upper())
        }
        try:
            return cls.model_validate(given), []
        except ValidationError as error:
            wrong = {str(item["loc"][0]): item["msg"] for item in error.errors(include_url=False)}
        problems = [
            f"{PREFIX}{name.upper()}={given[name]} cannot be used ({message});"
            f" the default {cls.model_fields[name].default} is."
            for name, message in wrong.items()
        ]
        return cls.model_validate({k: v for k, v in given.items() if k not in wrong}), problems
