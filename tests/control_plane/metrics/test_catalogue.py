"""What is documented, drawn and alarmed about is what a replica exports."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane.metrics import catalogue
from tests.support.inprocess import local_replica
from tests.support.redis import RedisTarget

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "infra/prometheus"
ROW = re.compile(r"^\| `(nexusvibe_\w+)` \| (\w+) \| (.*?) ?\| (.*) \|$", re.MULTILINE)
NAME = re.compile(r"\b(?:nexusvibe|process)_\w+")
SELECTOR = re.compile(r"(nexusvibe_\w+)\{([^}]*)\}")
FROM_PROMETHEUS = {"job", "instance", "le"}
PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


def series() -> dict[str, frozenset[str]]:
    """Every name that may stand in a query, with its labels."""
    known: dict[str, frozenset[str]] = {name: frozenset() for name in PROCESS}
    for described in catalogue.ALL:
        suffixes = ("_bucket", "_sum", "_count") if described.kind == "histogram" else ("",)
        known |= {described.name + suffix: frozenset(described.labels) for suffix in suffixes}
    return known


def expressions() -> Iterator[str]:
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    dashboard = json.loads((ROOT / "infra/grafana/nexusvibe.json").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ()))


def test_the_handbook_lists_every_metric_as_it_is() -> None:
    rows = ROW.findall((ROOT / "docs/operator.md").read_text())
    expected = [
        (each.name, each.kind, ", ".join(f"`{label}`" for label in each.labels), each.help) for each in catalogue.ALL
    ]
    assert rows == expected


@pytest.mark.parametrize("redis_target", ["plain"], indirect=True)
async def test_a_replica_exports_every_metric_of_the_catalogue_and_no_other(redis_target: RedisTarget) -> None:
    async with local_replica(redis_target, "here") as replica:
        exported = {
            (f"{family.name}_total" if family.type == "counter" else family.name, family.type)
            for family in replica.metrics.registry.collect()
            if family.name.startswith("nexusvibe_")
        }
    assert exported == {(described.name, described.kind) for described in catalogue.ALL}


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_alerts_and_the_dashboard_ask_for_is_exported(expression: str) -> None:
    known = series()
    assert set(NAME.findall(expression)) <= known.keys()
    for name, selector in SELECTOR.findall(expression):
        assert labels_in(selector) <= known[name] | FROM_PROMETHEUS
    for grouping in re.findall(r"by \(([^)]*)\)", expression):
        asked_of = set().union(*(known[name] for name in NAME.findall(expression))) | FROM_PROMETHEUS
        assert {label.strip() for label in grouping.split(",")} <= asked_of


def labels_in(selector: str) -> set[str]:
    return set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector))


def test_no_label_may_name_a_room_a_person_or_an_address() -> None:
    labels = {label for described in catalogue.ALL for label in described.labels}
    assert not labels & {"room", "participant", "identity", "name", "address", "ip", "url", "token"}


def test_panels_of_the_dashboard_lie_beside_each_other() -> None:
    panels = json.loads((ROOT / "infra/grafana/nexusvibe.json").read_text())["panels"]
    taken = [cell for panel in panels for cell in cells(panel["gridPos"])]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in panels}) == len(panels)


def cells(place: dict[str, Any]) -> Iterable[tuple[int, int]]:
    columns = range(place["x"], place["x"] + place["w"])
    assert columns.stop <= 24
    return ((column, row) for column in columns for row in range(place["y"], place["y"] + place["h"]))


def test_every_alarm_says_what_is_wrong_and_what_to_do() -> None:
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"].keys() == {"summary", "description"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus' own tool is not here")
def test_alarms_are_raised_when_they_should_be() -> None:
    subprocess.run(["promtool", "test", "rules", "alerts.test.yml"], cwd=PROMETHEUS, check=True, capture_output=True)
