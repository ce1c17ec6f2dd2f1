from __future__ import annotations

import json

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from event_processor.entrypoints.status import StatusServer
from event_processor.errors import ConfigurationError
from healthcheck.report import Report, Status, read_report


class Health:
    """A live state that the test changes."""

    def __init__(self) -> None:
        self.report = Report(Status.CONTENDED, "Somebody else is logged in.", "Log out there.")

    def __call__(self) -> Report:
        return self.report


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def get(server: StatusServer, path: str) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{server.port}{path}") as answer,
    ):
        return answer.status, answer.content_type, await answer.text()


async def test_ready_means_it_could_trade_now(registry: CollectorRegistry) -> None:
    """503 with reason and advice until the report says ready, then 200; alive all the time."""
    health = Health()
    server = StatusServer("127.0.0.1", 0, health, registry)
    await server.start()
    try:
        status, kind, body = await get(server, "/readyz")
        assert (status, kind) == (503, "application/json")
        assert read_report(json.loads(body)) == health.report
        health.report = Report(Status.READY)
        assert (await get(server, "/readyz"))[0] == 200
        assert (await get(server, "/livez"))[0] == 200
        assert (await get(server, "/else"))[0] == 404
    finally:
        await server.stop()


async def test_metrics_are_those_of_the_registry(registry: CollectorRegistry) -> None:
    """Nothing of the library's global registry is shown."""
    Counter("rebalancer_tests", "Tests.", registry=registry).inc(3)
    server = StatusServer("127.0.0.1", 0, Health(), registry)
    await server.start()
    try:
        status, kind, body = await get(server, "/metrics")
    finally:
        await server.stop()
    assert (status, kind) == (200, "text/plain")
    assert "rebalancer_tests_total 3.0" in body
    assert "python_info" not in body


async def test_a_taken_port_is_told_in_words(registry: CollectorRegistry) -> None:
    """The second server says who is in the way and which setting to change."""
    first = StatusServer("127.0.0.1", 0, Health(), registry)
    await first.start()
    try:
        with pytest.raises(ConfigurationError, match=rf"127.0.0.1:{first.port}: another program.*STATUS_PORT"):
            await StatusServer("127.0.0.1", first.port, Health(), registry).start()
    finally:
        await first.stop()


async def test_stop_frees_the_port(registry: CollectorRegistry) -> None:
    """After stop the same port can be had again, and a second stop is harmless."""
    first = StatusServer("127.0.0.1", 0, Health(), registry)
    await first.start()
    await first.stop()
    await first.stop()
    again = StatusServer("127.0.0.1", first.port, Health(), registry)
    await again.start()
    try:
        assert (await get(again, "/livez"))[0] == 200
    finally:
        await again.stop()
