"""Two small programs that the backend tests need: a collector with few parts, and Compose's loader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the collector.

    Attributes:
        kind: What it is: `receiver`, `processor`, `exporter` or `extension`.
        type: How a configuration names it.
        package: Where it is from.
    """

    kind: str
    type: str
    package: str


_COLLECTOR: Final = """package main

import (
	"log"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
{imports}
)

func factories() (found otelcol.Factories, err error) {{
	found.Telemetry = otelconftelemetry.NewFactory()
{kinds}
	return
}}

func main() {{
	settings := otelcol.CollectorSettings{{
		BuildInfo: component.BuildInfo{{Command: "otelcol"}},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{{ResolverSettings: confmap.ResolverSettings{{
			ProviderFactories: []confmap.ProviderFactory{{{providers}}},
		}}}},
	}}
	if err := otelcol.NewCommand(settings).Execute(); err != nil {{
		log.Fatal(err)
	}}
}}
"""

_KIND: Final = """	found.{kind}s, err = otelcol.MakeFactoryMap[{package}.Factory]({factories})
	if err != nil {{
		return
	}}"""

COMPOSE: Final = """package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

// Loads the compose file of a folder as `docker compose --profile … up` does, and prints it as JSON.
func main() {
	log.SetFlags(0)
	options, err := cli.NewProjectOptions(nil, cli.WithWorkingDirectory(os.Args[1]), cli.WithOsEnv,
		cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultConfigPath,
		cli.WithDefaultProfiles(os.Args[2:]...))
	if err != nil {
		log.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err == nil {
		err = project.CheckContainerNameUnicity()
	}
	if err != nil {
		log.Fatal(err)
	}
	text, err := project.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}
"""


def collector_source(components: Sequence[Component], providers: Sequence[str]) -> str:
    """Return the source of a collector that has these components and no other.

    Args:
        components: They.
        providers: The packages that read a configuration.
    """
    packages = [component.package for component in components]
    kinds = sorted({component.kind for component in components})
    return _COLLECTOR.format(
        imports="\n".join(f'\t"{package}"' for package in (*packages, *providers)),
        kinds="\n".join(
            _KIND.format(
                kind=kind.capitalize(),
                package=kind,
                factories=_new([part.package for part in components if part.kind == kind]),
            )
            for kind in kinds
        ),
        providers=_new(providers),
    )


def _new(packages: Sequence[str]) -> str:
    return ", ".join(f"{package.rsplit('/', 1)[1]}.NewFactory()" for package in packages)
