"""The Compose files as `docker compose config` understands them, held to the rules of the house for every service."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import PurePosixPath
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from event_processor.settings import secret_names, variable_names
from event_processor.settings_stack import FIXED, StackVariable, stack_variables
from tests.tidy.sources import ROOT

BASE, SIM, MONITORING = "docker-compose.yml", "docker-compose.sim.yml", "docker-compose.monitoring.yml"
STACKS = {
    "plain": (BASE,),
    "sim": (BASE, SIM),
    "monitoring": (BASE, MONITORING),
    "everything": (BASE, SIM, MONITORING),
}
MODES = ["paper", "live"]
POLICIES = {"yield": "secondary", "insist": "primary"}
RELAY_PORTS = {"paper": "4004", "live": "4003"}
NEEDED = {"REDIS_SECRETS": "./secrets"}
IN_FILES = {
    "IB_PASSWORD_FILE": "./secrets/ib_password",
    "VNC_PASSWORD_FILE": "./secrets/vnc_password",
    "NOTIFY_URLS_FILE": "./secrets/notify_urls",
    "DEADMAN_URL_FILE": "./secrets/deadman_url",
}
NOT_READ_ONLY = {"ibkr"}
"""Its start script writes beside its programs."""
NETWORKS = {
    "ibkr": {"gateway", "screen"},
    "api": {"gateway"},
    "healthcheck": {"gateway"},
    "event-processor": {"gateway", "store"},
    "redis": {"store"},
    "novnc": {"screen"},
}
SECRETS = {
    "ibkr": {"ib_password", "vnc_password"},
    "novnc": {"vnc_password"},
    "redis": {"redis_users.acl"},
    "event-processor": {"redis_processor_password", "notify_urls", "deadman_url"},
}

Service = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What Compose made of the files."""

    code: int
    told: str
    whole: dict[str, Any]

    @property
    def services(self) -> dict[str, Service]:
        assert self.code == 0, self.told
        return dict(self.whole["services"])


@cache
def _asked(files: tuple[str, ...], env_file: str, settings: frozenset[tuple[str, str]]) -> Answer:
    words = ["docker", "compose", "--project-directory", str(ROOT), "--env-file", env_file]
    words += [word for file in files for word in ("--file", str(ROOT / file))]
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | dict(settings)
    done = subprocess.run(
        [*words, "--profile", "*", "config", "--format", "json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Answer(done.returncode, done.stderr, json.loads(done.stdout) if done.returncode == 0 else {})


def composed(*files: str, env_file: str = "/dev/null", **settings: str) -> Answer:
    """The files of one stack under these settings; nothing of the caller's environment gets in."""
    return _asked(files or (BASE,), env_file, frozenset({**NEEDED, **settings}.items()))


def every_service() -> Iterator[ParameterSet]:
    for label, files in STACKS.items():
        for name, service in composed(*files).services.items():
            yield pytest.param(name, service, id=f"{label}-{name}")


each_service = pytest.mark.parametrize(("name", "service"), list(every_service()))


@pytest.mark.parametrize(("stack", "mode", "policy"), list(product(STACKS, MODES, POLICIES)))
def test_every_stack_is_valid_in_every_mode(stack: str, mode: str, policy: str) -> None:
    """Compose itself checks each file against its specification, for both modes and both policies."""
    answer = composed(*STACKS[stack], TRADING_MODE=mode, SESSION_POLICY=policy)
    assert (answer.code, answer.told) == (0, "")


@each_service
def test_it_is_not_root_and_cannot_become_root(name: str, service: Service) -> None:
    """No capability, no way to gain one; the user is named here or, for our images, in the Dockerfile."""
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & service.keys()
    user = service.get("user") or image_user(service)
    assert re.fullmatch(r"[1-9]\d*:\d+", user)


@each_service
def test_its_files_cannot_be_changed(name: str, service: Service) -> None:
    """The root file system is read-only; what comes from the host is too."""
    assert service.get("read_only", False) is (name not in NOT_READ_ONLY)
    binds = [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]
    assert all(mount.get("read_only") and not mount["bind"].get("create_host_path", False) for mount in binds)
    assert not [mount for mount in service.get("volumes", []) if "docker.sock" in json.dumps(mount)]


@each_service
def test_it_cannot_use_up_the_machine(name: str, service: Service) -> None:
    """Memory, processes and logs have limits, and it is started again when it ends."""
    assert 0 < int(service["mem_limit"]) <= 2 << 30
    assert 0 < service["pids_limit"] <= 512
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    assert service["restart"] == ("on-failure" if name == "healthcheck" else "unless-stopped")


@each_service
def test_nobody_outside_this_machine_can_reach_it(name: str, service: Service) -> None:
    """Every port that is published is published on loopback, and nothing shares the host's network."""
    assert [port["host_ip"] for port in service.get("ports", [])] == ["127.0.0.1"] * len(service.get("ports", []))


@each_service
def test_it_is_on_its_own_networks_only(name: str, service: Service) -> None:
    """Redis and the gateway share none, and monitoring sees the processor and nothing behind it."""
    assert set(service["networks"]) - {"metrics"} == NETWORKS.get(name, set())
    assert ("metrics" in service["networks"]) <= (name in {"event-processor", "prometheus", "grafana"})


@each_service
def test_it_is_given_only_the_secrets_it_needs(name: str, service: Service) -> None:
    """The processor never sees the IBKR password, nor the gateway a password of Redis."""
    assert {secret["source"] for secret in service.get("secrets", [])} == SECRETS.get(name, set())


def test_secrets_in_files_are_in_no_environment() -> None:
    """With `make secrets` a container's environment holds paths, never a password."""
    for name, service in composed(**IN_FILES).services.items():
        for variable, value in (service.get("environment") or {}).items():
            secret = re.search(r"PASSWORD|NOTIFY_URLS$|DEADMAN_URL$|TOKEN", variable)
            assert not (secret and value and not variable.endswith("_FILE")), (name, variable)
            assert (
                not variable.endswith("_FILE") or not value or value.startswith(("/run/secrets/", "/etc/rebalancer/"))
            )


def test_a_password_written_into_env_reaches_only_who_needs_it() -> None:
    """The way people know works as well; the gateway's password stays with the gateway."""
    services = composed(IB_USERNAME="me", IB_PASSWORD="s3cret-ib", VNC_PASSWORD="s3cret-vnc").services
    assert [name for name, service in services.items() if "s3cret-ib" in json.dumps(service)] == ["ibkr"]
    assert sorted(name for name, service in services.items() if "s3cret-vnc" in json.dumps(service)) == [
        "ibkr",
        "novnc",
    ]


@pytest.mark.parametrize("mode", MODES)
def test_port_4001_leads_to_the_gateway_of_either_mode(mode: str) -> None:
    """TRADING_MODE alone decides which port of the image the relay, the gate and the health check use."""
    services = composed(TRADING_MODE=mode).services
    assert [services[name]["environment"]["GATEWAY_PORT"] for name in ("ibkr", "api", "healthcheck")] == [
        RELAY_PORTS[mode]
    ] * 3
    assert [services[name]["environment"]["TRADING_MODE"] for name in ("ibkr", "event-processor")] == [mode] * 2
    assert (services["api"]["ports"][0]["published"], services["api"]["ports"][0]["target"]) == ("4001", 4001)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_session_policy_is_the_images_setting(policy: str) -> None:
    """`yield` steps back, `insist` takes the session back; the processor knows which holds."""
    services = composed(SESSION_POLICY=policy).services
    assert services["ibkr"]["environment"]["EXISTING_SESSION_DETECTED_ACTION"] == POLICIES[policy]
    assert services["event-processor"]["environment"]["SESSION_POLICY"] == policy


@pytest.mark.parametrize(("variable", "value"), [("TRADING_MODE", "both"), ("SESSION_POLICY", "ask")])
def test_a_choice_that_does_not_exist_is_refused(variable: str, value: str) -> None:
    """A misspelt mode or policy starts nothing, and the message names it."""
    answer = composed(**{variable: value})
    assert answer.code != 0
    assert f"{value}.env" in answer.told


def test_without_secrets_compose_says_what_to_do() -> None:
    """The first `up` on a new machine names `make secrets`."""
    answer = composed(REDIS_SECRETS="")
    assert answer.code != 0
    assert "run `make secrets` first" in answer.told


def test_the_gateway_logs_in_and_out_as_agreed() -> None:
    """Approvals are asked for again, the API may write, and a stop leaves time to log out."""
    gateway = composed(TWS_COLD_RESTART="18:00").services["ibkr"]
    assert (
        gateway["environment"].items()
        >= {
            "READ_ONLY_API": "no",
            "TWOFA_TIMEOUT_ACTION": "restart",
            "RELOGIN_AFTER_TWOFA_TIMEOUT": "yes",
            "AUTO_RESTART_TIME": "11:59 PM",
            "TWS_COLD_RESTART": "18:00",
            "TIME_ZONE": "America/New_York",
            "TZ": "America/New_York",
        }.items()
    )
    assert gateway["stop_grace_period"] == "2m0s"
    assert gateway["healthcheck"]["start_period"] == "24h0m0s"
    mounts = {mount["target"]: mount["source"] for mount in gateway["volumes"]}
    assert mounts[str(PurePosixPath(gateway["environment"]["TWS_SETTINGS_PATH"]).parent)] == "gateway-settings"


def test_the_processor_waits_for_redis_and_the_gate_and_not_for_a_login() -> None:
    """Nothing depends on a healthy gateway: a login that takes an hour fails no `up`."""
    services = composed().services
    waits = {n: {on: how["condition"] for on, how in s.get("depends_on", {}).items()} for n, s in services.items()}
    assert waits["event-processor"] == {
        "api": "service_started",
        "redis": "service_healthy",
        "healthcheck": "service_completed_successfully",
    }
    assert [name for name, on in waits.items() if on.get("ibkr") == "service_healthy"] == []


def test_every_setting_of_the_processor_can_be_set_in_env() -> None:
    """A setting somebody adds must be passed on; what the stack fixes is fixed."""
    given = composed().services["event-processor"]["environment"]
    files = {f"{name}_FILE" for name in secret_names() if name not in FIXED}
    assert set(given) == {*variable_names(), *files, "REDIS_PASSWORD_FILE"} - {"REDIS_PASSWORD"}
    special = {"STATUS_PORT", "TRADING_MODE", "SESSION_POLICY", "TWS_COLD_RESTART"}
    free = [name for name in variable_names() if name not in {*FIXED, *special}]
    asked = {name: "./accounts.example.yaml" if name == "ACCOUNTS_FILE" else f"a-{name}" for name in free}
    found = composed(**asked).services["event-processor"]["environment"]
    assert {name: found[name] for name in free} == asked | {"ACCOUNTS_FILE": "/etc/rebalancer/accounts.yaml"}


def test_the_example_file_is_the_default() -> None:
    """.env.example as it is changes nothing, and it names every variable of the Compose files."""
    assert composed(env_file=str(ROOT / ".env.example")).whole == composed().whole
    text = "".join((ROOT / file).read_text() for file in (BASE, MONITORING))
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    assert used == {variable.name for variable in stack_variables()} | (set(variable_names()) - FIXED)


@pytest.mark.parametrize(
    "variable", [variable for variable in stack_variables() if variable.value], ids=lambda v: v.name
)
def test_defaults_in_the_example_are_those_of_the_files(variable: StackVariable) -> None:
    """Setting a variable to the value the example shows makes no difference."""
    files = (BASE, MONITORING)
    assert composed(*files, **{variable.name: variable.value.strip('"')}).whole == composed(*files).whole


def image_user(service: Mapping[str, Any]) -> str:
    """The last USER of the Dockerfile's target, or of the stage it is made from."""
    stages: dict[str, str] = {}
    name = ""
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if stage := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            name = stage[2]
            stages[name] = stages.get(stage[1], "")
        elif line.startswith("USER "):
            stages[name] = line.removeprefix("USER ")
    return stages[service["build"]["target"]]
