"""Recordings as text, a JSON object on each line: what a database holds of sessions, for people to read."""
