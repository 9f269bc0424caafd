"""What Grafana is given at its start: data sources that exist, and dashboards that it finds."""

from __future__ import annotations

from tests.dashboards.stack.files import (
    DASHBOARDS,
    ROOT,
    configuration,
    mounts,
    provisioned,
    services,
    values_of,
)

SOURCES = {source["uid"]: source for source in provisioned("datasources", "datasources")}
GRAFANA = services("full")["grafana"]


def test_there_are_three_data_sources() -> None:
    """Their uids are what links and documents refer to."""
    assert {uid: source["type"] for uid, source in SOURCES.items()} == {
        "otelstream-prometheus": "prometheus",
        "otelstream-tempo": "tempo",
        "otelstream-jaeger": "jaeger",
    }


def test_grafana_asks_and_not_the_browser() -> None:
    """The addresses of the data sources are names that only containers know."""
    assert {source["access"] for source in SOURCES.values()} == {"proxy"}


def test_links_between_data_sources_lead_to_one_that_is_there() -> None:
    """From a point to its trace, from a span to its metrics, from a search to the graph of services."""
    assert set(values_of(provisioned("datasources", "datasources"), "datasourceUid")) == {
        "otelstream-prometheus",
        "otelstream-tempo",
    }


def test_a_trace_is_found_whenever_it_ran() -> None:
    """A link leads to its trace whatever time the page shows: Grafana asks Tempo for it without a time."""
    assert SOURCES["otelstream-tempo"]["jsonData"]["traceQuery"] == {"timeShiftEnabled": False}


def test_one_data_source_is_the_default() -> None:
    """Grafana refuses two."""
    assert [uid for uid, source in SOURCES.items() if source.get("isDefault")] == ["otelstream-prometheus"]


def test_exemplars_have_one_label_for_the_trace() -> None:
    """Tempo's exemplars are named as those of our own metrics, which is where Grafana looks."""
    destinations = SOURCES["otelstream-prometheus"]["jsonData"]["exemplarTraceIdDestinations"]

    assert [destination["name"] for destination in destinations] == list(
        values_of(configuration("tempo"), "trace_id_label_name")
    )


def test_queries_of_links_are_for_metrics_that_tempo_makes() -> None:
    """They name the series of its processors, which are on."""
    queries = SOURCES["otelstream-tempo"]["jsonData"]["tracesToMetrics"]["queries"]

    assert ["traces_spanmetrics_" in query["query"] for query in queries] == [True, True]
    assert list(values_of(configuration("tempo"), "processors")) == [["span-metrics", "service-graphs"]]


def test_grafanas_variables_survive_its_own_substitution() -> None:
    """In these files a dollar is doubled, or Grafana would put an environment variable there."""
    queries = SOURCES["otelstream-tempo"]["jsonData"]["tracesToMetrics"]["queries"]

    assert [
        query["query"].replace("$$", "") for query in queries if "$" in query["query"].replace("$$", "")
    ] == []


def test_dashboards_are_read_from_where_they_are_mounted() -> None:
    """The provider's path is the folder of the generated dashboards."""
    (provider,) = provisioned("dashboards", "providers")

    assert provider["type"] == "file"
    assert mounts(GRAFANA)[provider["options"]["path"]] == "./dashboards/grafana"


def test_provisioning_is_where_grafana_looks() -> None:
    """The folder is mounted at the place that the image reads."""
    assert mounts(GRAFANA)["/etc/grafana/provisioning"] == "./dashboards/grafana/provisioning"


def test_the_first_page_is_there() -> None:
    """The dashboard that opens first is a file of ours."""
    path = GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    (folder,) = (place for place in mounts(GRAFANA) if path.startswith(f"{place}/"))

    assert (ROOT / mounts(GRAFANA)[folder] / path.removeprefix(f"{folder}/")).is_file()


def test_no_dashboard_is_beside_the_folder() -> None:
    """Every JSON file under dashboards/ is one that Grafana is given."""
    assert {path.parent for path in DASHBOARDS.rglob("*.json")} == {DASHBOARDS / "grafana"}


def test_nobody_is_an_admin_and_nobody_logs_in() -> None:
    """There is no account with a password that everyone knows; who reaches the port may look and explore."""
    environment = GRAFANA["environment"]

    assert {
        name: environment[f"GF_{name}"]
        for name in (
            "AUTH_ANONYMOUS_ENABLED",
            "AUTH_ANONYMOUS_ORG_ROLE",
            "AUTH_DISABLE_LOGIN_FORM",
            "AUTH_BASIC_ENABLED",
            "SECURITY_DISABLE_INITIAL_ADMIN_CREATION",
        )
    } == {
        "AUTH_ANONYMOUS_ENABLED": "true",
        "AUTH_ANONYMOUS_ORG_ROLE": "Editor",
        "AUTH_DISABLE_LOGIN_FORM": "true",
        "AUTH_BASIC_ENABLED": "false",
        "SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    }


def test_nothing_phones_home() -> None:
    """Grafana and Tempo report nothing, and Grafana fetches nothing."""
    switches = {
        name: value for name, value in GRAFANA["environment"].items() if "ANALYTICS" in name or "NEWS" in name
    }

    assert set(switches.values()) == {"false"}
    assert GRAFANA["environment"]["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert configuration("tempo")["usage_report"] == {"reporting_enabled": False}
