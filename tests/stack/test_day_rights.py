"""Who may do what on the stack that is up, as the engine and Redis have it; no login is needed for that."""

from __future__ import annotations

import pytest

from tests.support.composed import ComposedStack

pytestmark = pytest.mark.timeout(400)


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("producer", ("GET", "{rebalancer}:fence")),
        ("producer", ("DEL", "rebalancer:events")),
        ("producer", ("FLUSHALL",)),
        ("producer", ("XTRIM", "rebalancer:events", "MAXLEN", "0")),
        ("producer", ("XADD", "rebalancer:outcomes", "*", "a", "b")),
        ("producer", ("CONFIG", "GET", "*")),
        ("viewer", ("XADD", "rebalancer:events", "*", "a", "b")),
        ("viewer", ("DEL", "rebalancer:events")),
        ("processor", ("FLUSHALL",)),
    ],
)
def test_redis_users_may_do_their_own_work_only(stack: ComposedStack, user: str, command: tuple[str, ...]) -> None:
    """Whoever has the producer's password can publish and read outcomes, and nothing else."""
    assert "NOPERM" in stack.redis(user, *command)


def test_nobody_without_a_name_gets_into_redis(stack: ComposedStack) -> None:
    """The default user is off."""
    done = stack.run("docker", "compose", "exec", "-T", "--env", "REDISCLI_AUTH=", "redis", "redis-cli", "PING")
    assert "NOAUTH" in done.stdout + done.stderr


@pytest.mark.parametrize("service", ["ibkr", "api", "novnc", "redis", "event-processor"])
def test_a_running_container_has_no_more_rights_than_it_needs(stack: ComposedStack, service: str) -> None:
    """As the engine has it: no root, no capability, no new privilege, no engine socket, loopback only."""
    found = stack.inspect(service)
    host = found["HostConfig"]
    assert found["Config"]["User"].split(":")[0] not in {"", "0", "root"}
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert any("no-new-privileges" in option for option in host["SecurityOpt"])
    assert host["ReadonlyRootfs"] is (service != "ibkr")
    assert not any("docker.sock" in mount["Source"] for mount in found["Mounts"] if "Source" in mount)
    ports = [one["HostIp"] for many in (host["PortBindings"] or {}).values() for one in many]
    assert set(ports) <= {"127.0.0.1"}
