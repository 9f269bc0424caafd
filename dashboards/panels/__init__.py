"""The Grafana dashboards as code: `python -m dashboards.panels` writes them, `--check` names stale ones."""
