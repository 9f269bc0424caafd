"""`python -m otelstream.cli` is `otelstream`."""

from otelstream.cli import main

main()
