"""Frames into a DuckDB file, and the same frames out of it again."""
