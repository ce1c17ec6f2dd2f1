"""The stand-in on real sockets and a running clock, without its container."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway_simulator.clock import SystemClock
from gateway_simulator.server import Server
from gateway_simulator.stand_in.commands import CommandServer
from gateway_simulator.stand_in.screen import Screen
from gateway_simulator.stand_in.settings import Automation
from gateway_simulator.stand_in.window.dialogs import DIALOGS
from gateway_simulator.stand_in.window.picture import read_picture
from gateway_simulator.stand_in.words import State
from tests.support.gateway import HOST, eventually
from tests.support.stand_in import Bench

HANDSHAKE = b"API\0\0\0\0\tv157..178"
ELSEWHERE = {"form", "stuck", "ready"}
"""States that the window draws by other means than a dialog."""


@dataclass(frozen=True)
class Standing:
    stage: Bench
    server: Server
    screen: Screen
    commands: int


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Standing]:
    """As `Image` wires it, with the fastest of everything."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    stage = Bench(folder, clock=SystemClock(), phone=False, restart_seconds=0.1)
    screen = Screen(stage.sim, stage.cycle, stage.broker, live=False, port=4002)
    automation = Automation(stage.rules, stage.calendar, port, frozenset(), HOST, read_only=False)
    async with Server(stage.sim, host=HOST) as server, CommandServer(automation, stage.cycle):
        stage.cycle.start()
        yield Standing(stage, server, screen, port)


async def ask(port: int, text: bytes) -> bytes:
    """Everything that is answered until the other side closes or half a second is over."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(text)
    answer = b""
    try:
        while piece := await asyncio.wait_for(reader.read(4096), 0.5):
            answer += piece
    except TimeoutError:
        pass
    finally:
        writer.close()
    return answer


async def answered(port: int, text: bytes) -> bytes:
    """`ask`, once there is somebody to ask; the port opens a moment after the state has changed."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await ask(port, text)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


async def test_the_api_answers_after_the_login_and_not_before(tmp_path: Path) -> None:
    """Its port refuses connections until then, so that the relay in front of it closes them."""
    async with standing(tmp_path) as up:
        with pytest.raises(ConnectionRefusedError):
            await ask(up.server.port, HANDSHAKE)
        await eventually(lambda: up.stage.state is State.READY, 10)
        assert (await answered(up.server.port, HANDSHAKE))[4:7] == b"178"


async def test_the_command_server_speaks_lines(tmp_path: Path) -> None:
    """Several commands over one connection, then STOP: the answer comes, the connection ends, so does the gateway."""
    async with standing(tmp_path) as up:
        assert await ask(up.commands, b"DANCE\r\nRECONNECTDATA\r\nRESTART\r\n") == (
            b"ERROR Command invalid\nOK \nERROR RESTART is not possible before the login has completed\n"
        )
        assert await ask(up.commands, b"STOP\r\n") == b"OK Shutting down: STOP command\n"
        assert up.stage.cycle.ended == 0
        assert up.stage.heard("CommandServer accepted connection from: /127.0.0.1") == 2


async def test_a_line_without_an_end_does_no_harm(tmp_path: Path) -> None:
    """Too long a line closes the connection; the next one is served."""
    async with standing(tmp_path) as up:
        assert await ask(up.commands, b"x" * 5_000) == b""
        assert await ask(up.commands, b"EXIT\n") == b"OK Goodbye\n"


async def test_control_reaches_the_login(tmp_path: Path) -> None:
    """The image's own actions over the control port, with status and help."""
    async with standing(tmp_path) as up:
        lines = (await ask(up.server.control_port or 0, b'{"action": "status"}\n{"action": "help"}\n')).splitlines()
        status, told = (json.loads(line) for line in lines)
        assert (status["login"], status["window"], status["owner_elsewhere"]) == ("form", "IBKR Gateway", False)
        assert "owner_logs_in" in told["help"]


async def test_the_window_is_told_what_it_shows_and_is_heard(tmp_path: Path) -> None:
    """A picture survives the pipe, a change is announced, a click and a typed login arrive."""
    async with standing(tmp_path) as up:
        change = up.screen.changed()
        picture = read_picture(json.dumps(up.screen.picture()))
        assert (picture.state, picture.user, picture.given, picture.port) == ("form", "practice", True, 4002)
        assert not up.screen.take(b'{"input": "approve"}')
        assert up.screen.take(b'{"input": "submit", "user": "practice", "password": "practice"}')
        assert change.done()
        await eventually(lambda: up.stage.state is State.READY, 10)
        assert read_picture(json.dumps(up.screen.picture())).linked


def test_the_window_can_draw_every_state() -> None:
    """Each has a dialog, or a part of the window of its own."""
    assert {state.value for state in State} == set(DIALOGS) | ELSEWHERE
