"""CrewAI stream frames to OpenTelemetry spans and DuckDB recordings."""
