"""The Helm chart, rendered by helm itself and held against Kubernetes' schemas."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.deploy.conftest import CHART, ENGINE, ROOT, Tools
from thunderagent import __version__
from thunderagent.adapters.gateway.grafana import dashboard
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.cli.serve import serve
from thunderagent.config import MODES

EVERYTHING: dict[str, Any] = {
    "gateways": 2,
    "extraArgs": ["--max-queue", "5000"],
    "env": [{"name": "OTEL_SERVICE_NAME", "value": "gateway"}],
    "imagePullSecrets": [{"name": "registry"}],
    "apiKeys": {"existingSecret": "api"},
    "adminKeys": {"existingSecret": "admin", "key": "other"},
    "service": {"type": "LoadBalancer", "annotations": {"a/b": "c"}},
    "management": {"annotations": {"a/b": "c"}},
    "persistence": {"enabled": True, "storageClassName": "fast"},
    "podAnnotations": {"a/b": "c"},
    "podLabels": {"team": "agents"},
    "priorityClassName": "high",
    "nodeSelector": {"zone": "a"},
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "networkPolicy": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "p"}, "authorization": {"credentials": {"name": "s", "key": "k"}}},
    "prometheusRule": {"enabled": True, "labels": {"release": "p"}},
    "dashboard": {"enabled": True, "annotations": {"folder": "Agents"}},
}
OF_OPERATORS = {"ServiceMonitor", "PrometheusRule"}
"""Kinds that Kubernetes itself does not know."""


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (one for one in objects if one["kind"] == kind)
    return found


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return only(objects, "StatefulSet")["spec"]["template"]["spec"]  # type: ignore[no-any-return]


def arguments(objects: list[dict[str, Any]]) -> list[str]:
    return pod(objects)["containers"][0]["args"]  # type: ignore[no-any-return]


def strings(value: Any) -> Iterator[str]:
    """All of an object, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def test_helm_finds_nothing_to_complain_about(tools: Tools) -> None:
    done = tools.helm("lint", "--strict", CHART, "--set", f"engines[0]={ENGINE}")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("version", ["1.27", "1.33", "1.37"])
@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it comes", "with everything"])
def test_objects_are_what_kubernetes_takes(tools: Tools, values: dict[str, Any], version: str) -> None:
    known = [one for one in tools.render(**values) if one["kind"] not in OF_OPERATORS]

    assert tools.validate(known, version) == ""


def test_a_wrong_object_would_be_found(tools: Tools) -> None:
    """The check above does check."""
    wrong = only(tools.render(), "StatefulSet")
    wrong["spec"]["replica"] = 1

    assert "replica" in tools.validate([wrong], "1.33")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"engines": []}, "'/engines'"),
        ({"engines": ["gpu1:8000"]}, "'/engines/0'"),
        ({"engines": ["http://gpu1:8000/v1"]}, "'/engines/0'"),
        ({"router": "fastest"}, "'/router'"),
        ({"replicas": 3}, "'replicas'"),
        ({"gateways": 0}, "'/gateways'"),
        ({"podDisruptionBudget": {"maxUnavailable": 2}}, "'/podDisruptionBudget/maxUnavailable'"),
        ({"persistence": {"size": "much"}}, "'/persistence/size'"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named(tools: Tools, values: dict[str, Any], told: str) -> None:
    assert told in tools.refused(**values)


def test_the_values_that_the_schema_allows_are_those_that_there_are(tools: Tools) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    assert {*values} | {"global"} == {*schema["properties"]}
    assert {*schema["properties"]["router"]["enum"]} == {*MODES}


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it comes", "with everything"])
def test_every_option_is_one_of_serve(tools: Tools, values: dict[str, Any]) -> None:
    given = {word.removeprefix("--").replace("-", "_") for word in arguments(tools.render(**values)) if word.startswith("--")}
    known = {*inspect.signature(serve).parameters}
    if not {"gateways", "store"} <= known:
        given -= {"gateways", "store"}

    assert given <= known


def test_the_pod_gets_longer_than_the_drain_before_it_is_killed(tools: Tools) -> None:
    objects = tools.render(drainSeconds=600, preStopSeconds=7)

    assert pod(objects)["terminationGracePeriodSeconds"] == 600 + 7 + 15
    assert "600s" in arguments(objects)
    assert pod(objects)["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "7"]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["drainSeconds"] == GatewaySettings.drain_s


def test_nothing_runs_as_root_or_writes_beside_its_volumes(tools: Tools) -> None:
    spec = pod(tools.render())
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp"}
    assert f"USER {spec['securityContext']['runAsUser']}:" in (ROOT / "Dockerfile").read_text()


def test_there_are_never_two_schedulers(tools: Tools) -> None:
    objects = tools.render(**EVERYTHING)

    assert only(objects, "StatefulSet")["spec"]["replicas"] == 1
    assert "HorizontalPodAutoscaler" not in {one["kind"] for one in objects}


def test_the_store_is_on_a_volume_that_outlives_the_pod(tools: Tools) -> None:
    objects = tools.render(persistence={"enabled": True})
    (claim,) = only(objects, "StatefulSet")["spec"]["volumeClaimTemplates"]
    store = arguments(objects)[arguments(objects).index("--store") + 1]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod(objects)["containers"][0]["volumeMounts"]}
    assert store.startswith(mounts[claim["metadata"]["name"]] + "/")

    objects = tools.render(persistence={"enabled": True, "existingClaim": "mine"})
    assert "volumeClaimTemplates" not in only(objects, "StatefulSet")["spec"]
    assert {"name": "state", "persistentVolumeClaim": {"claimName": "mine"}} in pod(objects)["volumes"]


def test_keys_are_files_of_secrets_and_in_no_argument(tools: Tools) -> None:
    objects = tools.render(apiKeys={"existingSecret": "api"}, adminKeys={"existingSecret": "admin", "key": "other"})
    volumes = {volume["name"]: volume.get("secret") for volume in pod(objects)["volumes"]}

    assert volumes["api-keys"]["items"] == [{"key": "keys", "path": "keys"}]
    assert volumes["admin-keys"]["items"] == [{"key": "other", "path": "keys"}]
    mounts = {mount["mountPath"] for mount in pod(objects)["containers"][0]["volumeMounts"]}
    for option in ("--api-key-file", "--admin-key-file"):
        file = arguments(objects)[arguments(objects).index(option) + 1]
        assert file.removesuffix("/keys") in mounts


def test_services_and_budgets_select_the_pod(tools: Tools) -> None:
    objects = tools.render(**EVERYTHING)
    labels = only(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    services = [one["spec"]["selector"] for one in objects if one["kind"] == "Service"]
    others = [
        only(objects, "StatefulSet")["spec"]["selector"]["matchLabels"],
        only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]

    assert len(services) == 2
    assert all(selector.items() <= labels.items() for selector in [*services, *others])


def test_prometheus_scrapes_management_and_not_the_same_metrics_twice(tools: Tools) -> None:
    objects = tools.render(**EVERYTHING)
    monitor = only(objects, "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    (service,) = (one for one in objects if one["kind"] == "Service" and wanted <= one["metadata"]["labels"].items())

    assert monitor["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_a_network_policy_without_peers_lets_nobody_in(tools: Tools) -> None:
    policy = only(tools.render(networkPolicy={"enabled": True, "clients": [], "management": []}), "NetworkPolicy")["spec"]

    assert policy["policyTypes"] == ["Ingress"]
    assert "ingress" not in policy


def test_rules_and_dashboard_are_ours(tools: Tools) -> None:
    objects = tools.render(prometheusRule={"enabled": True}, dashboard={"enabled": True})
    alerts = yaml.safe_load((ROOT / "docs/prometheus/alerts.yml").read_text())

    assert only(objects, "PrometheusRule")["spec"] == alerts
    assert json.loads(only(objects, "ConfigMap")["data"]["thunderagent.json"]) == json.loads(json.dumps(dashboard()))


def test_the_charts_copies_are_up_to_date() -> None:
    """Helm reads no file beside its chart. ``thunderagent grafana-dashboard > .../files/dashboard.json`` makes the one anew."""
    assert (CHART / "files/alerts.yml").read_text() == (ROOT / "docs/prometheus/alerts.yml").read_text()
    assert json.loads((CHART / "files/dashboard.json").read_text()) == json.loads(json.dumps(dashboard()))


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["appVersion"] == __version__


def test_no_template_has_an_object_without_a_name(tools: Tools) -> None:
    objects = tools.render(**EVERYTHING)
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]

    assert len({*names}) == len(names)
    assert all(name.startswith("release-thunderagent") for _, name in names)
    assert not [text for text in strings(objects) if "<no value>" in text]
