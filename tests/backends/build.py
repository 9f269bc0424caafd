"""Builds the programs that the backend tests start, from Go modules, into `.backends/`: `make backends`.

Nothing of theirs is kept in this repository; Go fetches each module at the version that is named here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.backends.found import BUILT
from tests.backends.gosources import COMPOSE, Component, collector_source

TOOLCHAIN: Final = "go1.27.3"
"""The Go that these versions ask for; an older `go` fetches it by itself."""

COLLECTOR: Final = "v0.161.0"
_COLLECTOR_STABLE: Final = "v1.67.0"
"""One release of the collector, which is that of the image: its modules are of two lines."""

PROMETHEUS: Final = "v0.314.0"
"""Prometheus 3.14.0, as the image is."""

_JAEGER: Final = "v1.76.0"
"""Jaeger 2.13: the newest that is to be had as a Go module. The image is newer."""

_COMPOSE: Final = "v2.16.2"
"""The library that `docker compose` reads files with."""

_CORE: Final = "go.opentelemetry.io/collector"
_CONTRIB: Final = "github.com/open-telemetry/opentelemetry-collector-contrib"
_PROVIDERS: Final = tuple(f"{_CORE}/confmap/provider/{name}provider" for name in ("env", "file", "yaml"))

COMPONENTS: Final = (
    Component("receiver", "otlp", f"{_CORE}/receiver/otlpreceiver"),
    Component("processor", "memory_limiter", f"{_CORE}/processor/memorylimiterprocessor"),
    Component("exporter", "otlp_grpc", f"{_CORE}/exporter/otlpexporter"),
    Component("exporter", "otlp_http", f"{_CORE}/exporter/otlphttpexporter"),
    Component("exporter", "debug", f"{_CORE}/exporter/debugexporter"),
    Component("extension", "health_check", f"{_CONTRIB}/extension/healthcheckextension"),
)
"""Exactly what `dashboards/collector/config.yaml` uses."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is built of one module.

    Attributes:
        packages: For each file that comes out its package; `.` is the source below.
        gets: What Go must fetch, as `package@version`.
        source: The program's own source, where there is no package that is the program.
    """

    packages: Mapping[str, str]
    gets: tuple[str, ...]
    source: str = ""


PROGRAMS: Final = (
    Program(
        packages={"otelcol": "."},
        gets=(
            f"{_CORE}/otelcol@{COLLECTOR}",
            f"{_CORE}/service/telemetry/otelconftelemetry@{COLLECTOR}",
            *(f"{component.package}@{COLLECTOR}" for component in COMPONENTS),
            *(f"{package}@{_COLLECTOR_STABLE}" for package in _PROVIDERS),
        ),
        source=collector_source(COMPONENTS, _PROVIDERS),
    ),
    Program(
        packages={
            "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
            "promtool": "github.com/prometheus/prometheus/cmd/promtool",
        },
        gets=(
            f"github.com/prometheus/prometheus/cmd/prometheus@{PROMETHEUS}",
            f"github.com/prometheus/prometheus/cmd/promtool@{PROMETHEUS}",
        ),
    ),
    Program(
        packages={"jaeger": "github.com/jaegertracing/jaeger/cmd/jaeger"},
        gets=(f"github.com/jaegertracing/jaeger/cmd/jaeger@{_JAEGER}",),
    ),
    Program(
        packages={"compose-config": "."},
        gets=(f"github.com/compose-spec/compose-go/v2/cli@{_COMPOSE}",),
        source=COMPOSE,
    ),
)


def is_built(program: Program, into: Path) -> bool:
    """Tell whether every file of a program is there, of the versions that are named here."""
    files = all((into / name).is_file() for name in program.packages)
    stamp = _stamp(program, into)
    return files and stamp.is_file() and stamp.read_text(encoding="utf-8") == _made_of(program)


def _stamp(program: Program, into: Path) -> Path:
    return into / "build" / next(iter(program.packages)) / "made_of"


def _made_of(program: Program) -> str:
    return "\n".join([TOOLCHAIN, *program.gets, program.source])


def build(program: Program, into: Path, environ: Mapping[str, str]) -> None:
    """Build a program.

    Args:
        program: Which.
        into: The folder for it; the sources are fetched into its folder `build`.
        environ: The environment of `go`.

    Raises:
        subprocess.CalledProcessError: Go could not fetch or build it; it has said why.
    """
    folder = into / "build" / next(iter(program.packages))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if program.source:
        (folder / "main.go").write_text(program.source, encoding="utf-8")
    # With -tool Go keeps a program's module although no source here imports it.
    tool = [] if program.source else ["-tool"]
    commands = [["mod", "init", "build"], ["get", *tool, *program.gets]]
    commands += [
        ["build", "-trimpath", "-ldflags=-s -w", "-o", str(into / name), package]
        for name, package in program.packages.items()
    ]
    for command in commands:
        subprocess.run(["go", *command], cwd=folder, env=dict(environ), check=True)
    _stamp(program, into).write_text(_made_of(program), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Build what is missing or of another version, or what is named; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.backends.build", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="programs to build anew; without one, those missing or of another version"
    )
    known = {name for program in PROGRAMS for name in program.packages}
    named = set(parser.parse_args(arguments).names)
    if named - known:
        parser.error(f"no such program: {', '.join(sorted(named - known))}; there are {sorted(known)}.")
    wanted = [
        program
        for program in PROGRAMS
        if (named & set(program.packages) if named else not is_built(program, BUILT))
    ]
    if wanted and shutil.which("go") is None:
        parser.error("there is no Go here; install it (Debian: golang-go) and say make backends again.")
    try:
        for program in wanted:
            build(program, BUILT, {"GOTOOLCHAIN": TOOLCHAIN, **os.environ})
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{' '.join(error.cmd)} failed; what it said is above.\n")
        return 1
    sys.stdout.write(f"{', '.join(sorted(known))} are in {BUILT.name}/.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
