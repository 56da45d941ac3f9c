"""compose.yaml: linted, and held to what the several gateways need of it. Nobody ran it here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
GATEWAYS = ("gateway-1", "gateway-2")

Json = dict[str, Any]
LINT = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")


def linted(path: Path) -> subprocess.CompletedProcess[str]:
    """Against the schema that the linter carries: nothing is fetched."""
    return subprocess.run([*LINT, str(path)], capture_output=True, text=True, check=False)


def test_it_is_what_the_specification_of_compose_allows(tmp_path: Path) -> None:
    done = linted(ROOT / "compose.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (ROOT / "compose.yaml").read_text("utf-8")
    for was, wrong in (("cap_drop:", "cap_drops:"), ("retries: 12", "retries: [12]"), ("service_healthy", "healthy")):
        assert was in text
        (tmp_path / "compose.yaml").write_text(text.replace(was, wrong), "utf-8")
        found = linted(tmp_path / "compose.yaml")
        assert found.returncode == 1 and "Schema validation errors" in found.stdout, (wrong, found)


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
        ours = {each for each in mounted if each.startswith("./")} - {"./floatcard.toml"}  # that one is the operator's
        assert all((ROOT / each).is_file() for each in ours), name
        assert service.get("build") == "." or re.search(r":[^:]+$", service["image"]), "an image has a version"


def test_the_balancer_knows_every_gateway_and_is_the_only_door(compose: Json) -> None:
    services: Json = compose["services"]
    balancer = services["balancer"]
    assert balancer["volumes"] == ["./examples/Caddyfile:/etc/caddy/Caddyfile:ro"] and "command" not in balancer
    exposed = re.findall(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    (upstreams,) = re.findall(r"^\s*reverse_proxy (.+) \{$", caddyfile(), re.M)
    assert upstreams.split() == [f"{name}:{port}" for name in GATEWAYS for port in exposed]
    assert [name for name, service in services.items() if "ports" in service] == ["balancer"]
    assert balancer["ports"] == ["127.0.0.1:8300:8300"] and re.search(r"^:8300 \{$", caddyfile(), re.M)


def caddyfile() -> str:
    """Without its comments."""
    return re.sub(r"^\s*#.*\n", "", (ROOT / "examples" / "Caddyfile").read_text("utf-8"), flags=re.M)


def test_a_gateway_that_goes_away_takes_no_request_with_it() -> None:
    """What docs/operating.md asks of a balancer."""
    said = dict(re.findall(r"^\t\t(\w+) (\S+)$", caddyfile(), re.M))
    assert said["health_uri"] == "/readyz" and said["health_interval"] == "2s" and said["health_fails"] == "4"
    assert float(said["health_timeout"].removesuffix("s")) > 2, "/readyz itself takes up to two seconds"
    assert {"fail_duration", "max_fails", "lb_try_duration"} <= set(said)
    assert not {"unhealthy_status", "lb_retry_match"} & set(said), "an answer of 503 is for the network itself"
    pools = re.findall(r"^\thandle (/\S+ )?\{\n\t\timport gateways\n", caddyfile(), re.M)
    assert pools == ["/in/* ", ""]


def test_nothing_that_was_acknowledged_is_left_in_memory_alone(compose: Json) -> None:
    words = compose["services"]["redis"]["command"]
    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--appendfsync") + 1] == "always"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"
    assert "/var/lib/postgresql" in compose["services"]["postgresql"]["volumes"][0]
