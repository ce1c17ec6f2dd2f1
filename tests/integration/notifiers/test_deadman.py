"""The dead-man switch against a real web server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from event_processor.adapters.notifiers.deadman import Deadman
from tests.support.receiving import refusing_port, silent_port, web_receiver

EVERY_SECONDS = 0.05


@asynccontextmanager
async def pinging(url: str, alive: Callable[[], bool] = lambda: True) -> AsyncIterator[None]:
    task = asyncio.create_task(Deadman(url, EVERY_SECONDS, alive).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_pings_while_all_is_well_and_is_silent_otherwise() -> None:
    """Pings stop with the first sign of trouble and go on when it is over; nothing else is ever said."""
    well = True
    async with web_receiver() as web, pinging(f"http://127.0.0.1:{web.port}/uuid-1", lambda: well):
        await asyncio.sleep(EVERY_SECONDS * 4)
        well = False
        await asyncio.sleep(EVERY_SECONDS)
        before = len(web.paths)
        await asyncio.sleep(EVERY_SECONDS * 4)
        during = len(web.paths)
        well = True
        web.heard.clear()
        await asyncio.wait_for(web.heard.wait(), 5)
    assert before >= 2
    assert during == before
    assert set(web.paths) == {"/uuid-1"}


async def test_failures_are_one_line_for_each_change_and_name_no_url() -> None:
    """Many failed pings make one line, the return of the service another."""
    with capture_logs() as logs:
        async with web_receiver() as web, pinging(f"http://127.0.0.1:{web.port}/uuid-1"):
            await asyncio.wait_for(web.heard.wait(), 5)
            web.status = 500
            await asyncio.sleep(EVERY_SECONDS * 4)
            web.status = 200
            await asyncio.sleep(EVERY_SECONDS * 4)
    assert [line["event"] for line in logs] == ["deadman.failed", "deadman.restored"]
    assert logs[0]["reason"] == "answered 500"
    assert "uuid-1" not in str(logs)


async def test_a_service_that_is_away_or_hangs_changes_nothing() -> None:
    """Refused and unanswered pings are bounded, and the pinging goes on."""
    with capture_logs() as logs:
        async with silent_port() as port, pinging(f"http://127.0.0.1:{port}/uuid-1"):
            await asyncio.sleep(EVERY_SECONDS * 4)
        async with pinging(f"http://127.0.0.1:{refusing_port()}/uuid-1"):
            await asyncio.sleep(EVERY_SECONDS * 4)
    assert [line["reason"] for line in logs] == ["no answer in time", "ClientConnectorError"]
