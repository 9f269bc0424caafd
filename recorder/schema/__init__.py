"""The recording's tables, as SQL; `docs/FORMAT.md` is their specification."""
