"""Writes dashboards/grafana/*.json; with --check, says which files are stale."""

from __future__ import annotations

import argparse
import sys

_OLDEST = (3, 11)


def main() -> None:
    """Write every dashboard, or with --check exit with 1 if a file is stale."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.panels", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if a file is stale")
    check = parser.parse_args().check
    if sys.version_info < _OLDEST:
        print("grafana-foundation-sdk needs Python 3.11: the dashboards are left as they are, unchecked.")
        return
    from dashboards.panels.writing import complaints, write_all

    if not check:
        write_all()
        return
    found = list(complaints())
    if found:
        sys.exit("\n".join(found))


main()
