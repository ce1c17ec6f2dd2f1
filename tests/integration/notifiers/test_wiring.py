"""Settings to messages: the built processor, and the command that tries the receivers."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from event_processor.adapters.notifiers.notifier import STOP_SECONDS
from event_processor.bootstrap import build
from event_processor.errors import ConfigurationError
from event_processor.settings import Settings, environment_for
from tests.support.receiving import WebReceiver, refusing_port, silent_port, web_receiver

LIMIT_SECONDS = 30
OTHERWISE_SECONDS = 7.0
"""What a stop may take on a busy machine without any receiver."""


async def run(*words: str, **settings: str) -> tuple[int | None, str]:
    """A Python of its own with these settings; its exit code and all it wrote."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=environment_for(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(LIMIT_SECONDS):
        output, _ = await child.communicate()
    return child.returncode, output.decode()


async def notify(**settings: str) -> tuple[int | None, str]:
    return await run("-m", "event_processor", "notify", **settings)


async def test_the_command_says_which_receiver_took_the_message() -> None:
    """One line for each, nothing secret in it, and an exit code that is 0 only when all took it."""
    async with web_receiver() as web:
        assert await notify(NOTIFY_URLS=web.url) == (0, "1: json://127.0.0.1  took the message\n")
        code, output = await notify(NOTIFY_URLS=f"{web.url} json://127.0.0.1:{refusing_port()}/hook-b2c3d4e5")
    assert web.titles == ["rebalancer paper: Test"] * 2
    first, second = output.splitlines()
    assert (code, first) == (1, "1: json://127.0.0.1  took the message")
    assert second.startswith("2: json://127.0.0.1  failed: ")
    assert not [secret for secret in ("opensesame", "hook-") if secret in output]


@pytest.mark.parametrize(
    ("urls", "words"), [("", "NOTIFY_URLS is not set"), ("tgram://opensesame", "number 1 (tgram://***)")]
)
async def test_the_command_explains_a_wrong_setting(urls: str, words: str) -> None:
    """In words, with the exit code of a wrong setting, and without the secret."""
    code, output = await notify(NOTIFY_URLS=urls)
    assert (code, words in output, "opensesame" in output) == (2, True, False)


def test_a_wrong_url_refuses_the_start() -> None:
    """Before anything is connected: a processor nobody would hear from does not run."""
    with pytest.raises(ConfigurationError, match=r"NOTIFY_URLS: number 1 \(tgram://\*\*\*\)"):
        build(Settings.load({"NOTIFY_URLS": "tgram://opensesame"}))


async def test_apprise_is_loaded_only_when_somebody_is_to_be_told() -> None:
    """Its memory and its start-up time are not spent for nothing."""
    program = "import sys; from event_processor.bootstrap import build; from event_processor.settings import Settings; "
    program += "build(Settings.load()); print('apprise' in sys.modules)"
    assert await run("-c", program) == (0, "False\n")
    assert await run("-c", program, NOTIFY_URLS="json://127.0.0.1") == (0, "True\n")


async def stopped_after(web: WebReceiver, redis_url: str, **settings: str) -> float:
    """Run a processor until it has pinged its dead-man switch at `web`; how long its stop then took."""
    more = {"REDIS_URL": redis_url, "STATUS_PORT": "0", "IB_PORT": str(refusing_port()), "NOTIFY_TOPICS": "processor"}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "event_processor", "run"),
        env=environment_for(more | {"DEADMAN_URL": f"http://127.0.0.1:{web.port}/ping"} | settings),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            while "/ping" not in web.paths:
                await asyncio.sleep(0.05)
    finally:
        child.terminate()
        before = time.monotonic()
        async with asyncio.timeout(LIMIT_SECONDS):
            await child.wait()
    assert child.returncode == 0
    return time.monotonic() - before


async def test_the_running_processor_tells_that_it_runs_and_that_it_stops(redis_url: str) -> None:
    """The whole program, with a ping to its dead-man switch; the last word still leaves at a tidy stop."""
    async with web_receiver() as web:
        await stopped_after(web, redis_url, NOTIFY_URLS=web.url)
    assert web.titles == ["rebalancer paper: Started (paper)", "rebalancer paper: Stopped"]


async def test_a_receiver_that_hangs_does_not_hold_up_the_end_of_the_process(redis_url: str) -> None:
    """Neither the stop nor the interpreter waits for the thread that hangs."""
    async with web_receiver() as web, silent_port() as port:
        url = f"json://127.0.0.1:{port}?rto=60&cto=60"
        assert await stopped_after(web, redis_url, NOTIFY_URLS=url) < STOP_SECONDS + OTHERWISE_SECONDS
