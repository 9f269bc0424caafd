"""Every parameter of the bridge: its environment variable, its default and its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from otelstream.span import options
from otelstream.span.chunks import ChunkEvents
from otelstream.span.names import Convention
from otelstream.span.options import ContentForm, ContentPolicy, EventsAs, SpanOptions
from otelstream.span.rules import Pair

QueuePolicy = Literal["drop", "block"]

PREFIX: Final = "OTELSTREAM_"
CAPTURE_CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


class Settings(BaseModel):
    """Parameters of one process, each settable as `OTELSTREAM_<NAME>`."""

    model_config = ConfigDict(frozen=True)

    chunk_events: ChunkEvents = Field(
        default="coalesced",
        description="What becomes of token frames on LLM spans: at most 100 events a span (`coalesced`),"
        " one event per frame (`all`), or their count only (`off`).",
    )
    internal_flows: Literal["collapse", "keep"] = Field(
        default="collapse",
        description="Whether CrewAI's own flows (AgentExecutor, EncodingFlow, RecallFlow) get no span.",
    )
    content: ContentPolicy = Field(
        default="NO_CONTENT",
        description="Whether prompts, answers, arguments and results are exported: on spans (`SPAN_ONLY`), in"
        " log records (`EVENT_ONLY`), or both (`SPAN_AND_EVENT`).",
    )
    content_form: ContentForm = Field(
        default="structured",
        description="How content that is no text stands on spans: as lists and maps (`structured`), which"
        " Tempo does not cut, or as JSON text (`json`), which Phoenix asks for.",
    )
    events: EventsAs = Field(
        default="span",
        description="Whether frames that are no spans become events of spans, log records, or both.",
    )
    pending_spans: bool = Field(
        default=False, description="Whether spans that are open for long are announced before they end."
    )
    pending_after_ms: int = Field(
        default=5_000, ge=0, description="How long a span is open before it is announced, in ms."
    )
    stall_ms: int = Field(
        default=options.STALL_MS,
        ge=1,
        description="Time between two chunks from which on it is an event of its own, in ms.",
    )
    semconv: Convention = Field(
        default="1.41", description="Version of the GenAI conventions that names attributes and metrics."
    )
    attribute_bytes: int = Field(
        default=options.ATTRIBUTE_BYTES, ge=64, description="Longest string attribute, in bytes."
    )
    content_bytes: int = Field(
        default=options.CONTENT_BYTES, ge=64, description="Longest text in captured content, in bytes."
    )
    span_events: int = Field(
        default=options.SPAN_EVENTS, ge=128, description="Most events of one span, if the SDK keeps so many."
    )
    span_bytes: int = Field(
        default=options.SPAN_BYTES,
        ge=10_000,
        description="What attributes and events of one span may weigh, in bytes by estimate.",
    )
    trace_bytes: int = Field(
        default=options.TRACE_BYTES,
        ge=10_000,
        description="What attributes and events of one trace may weigh, in bytes by estimate.",
    )
    rows: str | None = Field(
        default=None,
        description="Start and end types of your own, as MODULE:NAME of a sequence of"
        " `otelstream.span.rules.Pair`.",
    )
    batch_ms: int = Field(
        default=100, ge=1, le=10_000, description="How long frames gather before they are committed, in ms."
    )
    batch_frames: int = Field(
        default=1_000, ge=1, description="Most frames that one commit of the recording holds."
    )
    queue_mb: int = Field(
        default=256,
        ge=1,
        description="Most that may wait in memory per session, in MB by estimate; what happens then says"
        " `OTELSTREAM_QUEUE_POLICY`.",
    )
    queue_policy: QueuePolicy = Field(
        default="drop",
        description="What happens to a frame that finds the queue full: it is dropped and counted (`drop`),"
        " or the program waits for room (`block`).",
    )
    block_ms: int = Field(
        default=1_000,
        ge=0,
        description="Longest wait for room in the queue, in ms; then the frame is dropped and counted, and"
        " nothing waits again before there was room.",
    )
    rotate_mb: int = Field(
        default=512,
        ge=1,
        description="Size from which on new sessions go to a new file, in MB, where a directory is recorded"
        " into.",
    )
    rotate_minutes: int = Field(default=60, ge=1, description="Age from which on they do, in minutes.")
    flush_on_sigterm: bool = Field(
        default=True,
        description="Whether a SIGTERM that the program does not handle itself commits and exports before it"
        " ends the process.",
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
            name: environ[variable_of(name)]
            for name in cls.model_fields
            if environ.get(variable_of(name), "").strip()
        }
        # As OpenTelemetry's own instrumentations read it: in any case.
        content = {"content": given["content"].strip().upper()} if "content" in given else {}
        try:
            return cls.model_validate({**given, **content}), []
        except ValidationError as error:
            wrong = {str(item["loc"][0]): item["msg"] for item in error.errors(include_url=False)}
        problems = [
            f"{variable_of(name)}={given[name]} cannot be used ({message});"
            f" the default {cls.model_fields[name].default} is."
            for name, message in wrong.items()
        ]
        right = {name: value for name, value in {**given, **content}.items() if name not in wrong}
        return cls.model_validate(right), problems

    def span_options(self, rows: tuple[Pair, ...] = ()) -> SpanOptions:
        """Return what these settings say of spans, with rows of the user's own.

        Raises:
            ValueError: A row does not fit into the table.
        """
        shared = {field.name for field in fields(SpanOptions)} & type(self).model_fields.keys() - {"rows"}
        return SpanOptions(
            **self.model_dump(include=shared),
            collapse_internal_flows=self.internal_flows == "collapse",
            rows=rows,
        )


def variable_of(name: str) -> str:
    """Return the environment variable of a parameter."""
    return CAPTURE_CONTENT if name == "content" else PREFIX + name.upper()
