"""compose.yaml: parsed, and held to what the several gateways need of it. Nobody ran it here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
GATEWAYS = ("gateway-1", "gateway-2")

Json = dict[str, Any]


@pytest.fixture
def compose() -> Json:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8")))


def test_two_gateways_stand_on_one_database_and_one_queue(compose: Json) -> None:
    services: Json = compose["services"]
    assert set(services) == {*GATEWAYS, "balancer", "postgresql", "redis"}
    for name in GATEWAYS:
        waits = services[name]["depends_on"]
        assert {each: waits[each]["condition"] for each in waits} == dict.fromkeys(
            ("postgresql", "redis"), "service_healthy"
        )
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > 10, "a stop drains for ten seconds"


def test_each_service_is_asked_whether_it_lives(compose: Json) -> None:
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert check["test"][0] == "CMD" and {"interval", "timeout", "retries"} <= set(check), name
    assert "/readyz" in compose["services"]["gateway-1"]["healthcheck"]["test"][-1]


def test_what_is_named_is_there(compose: Json) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("secrets", ())) <= set(compose["secrets"]), name
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("depends_on", ())) <= set(compose["services"]), name
        mounted = [each.split(":")[0] for each in service.get("volumes", ())]
        assert {each for each in mounted if not each.startswith(".")} <= set(compose["volumes"] or ()), name
        assert service.get("build") == "." or re.search(r":[^:]+$", service["image"]), "an image has a version"


def test_the_balancer_knows_every_gateway_and_is_the_only_door(compose: Json) -> None:
    services: Json = compose["services"]
    upstreams = [word.removeprefix("--to=") for word in services["balancer"]["command"] if word.startswith("--to=")]
    exposed = re.findall(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    assert upstreams == [f"{name}:{port}" for name in GATEWAYS for port in exposed]
    assert [name for name, service in services.items() if "ports" in service] == ["balancer"]
    assert services["balancer"]["ports"] == ["127.0.0.1:8300:8300"]


def test_nothing_that_was_acknowledged_is_left_in_memory_alone(compose: Json) -> None:
    words = compose["services"]["redis"]["command"]
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--appendfsync") + 1] == "always"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"
    assert "/var/lib/postgresql" in compose["services"]["postgresql"]["volumes"][0]
