"""The programs beside the gateway: hooks, screen, VNC server and relay, as the image's run.sh starts them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

DISPLAY = ":1"
SCREEN = "1024x768x16"
VNC_PORT = 5900
START_SECONDS = 10.0
STOP_SECONDS = 5.0
RELAY_PAUSE_SECONDS = 5.0
WHOLE_SCREEN = ("-noxdamage", "-snapfb")
"""Without these x11vnc guesses what a large redraw has changed, and leaves old pieces standing for a while."""
PKILL_SECONDS = 90.0
"""More than a tidy log-out takes at most."""

Say = Callable[[str], None]
Process = asyncio.subprocess.Process


class StartError(Exception):
    """A program that the image needs did not start."""


async def run_hooks(home: Path, folder: str, environ: Mapping[str, str], say: Say) -> None:
    """Each *.sh of the folder by bash, in order; as in the image, a hook that fails stops nothing."""
    for file in _hooks(home / folder, say) if folder else []:
        say(f"> Running {file}")
        process = await asyncio.create_subprocess_exec("bash", str(file), env=dict(environ))
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await stop(process)
            raise
        if code:
            say(f"File {file} not found.")  # the image's words for any hook that fails


def _hooks(place: Path, say: Say) -> list[Path]:
    if not place.is_dir():
        say(f"> No start scripts defined on {place}")
        return []
    say(f"> Running start up scripts on {place}")
    return sorted(place.glob("*.sh"))


async def start_screen(environ: Mapping[str, str]) -> Process:
    """Xvfb; returns when it takes connections. Raises StartError."""
    _unlock_display()
    reading, writing = os.pipe()
    command = ["Xvfb", DISPLAY, "-ac", "-screen", "0", SCREEN, "-nolisten", "tcp", "-displayfd", str(writing)]
    process = await asyncio.create_subprocess_exec(*command, env=dict(environ), pass_fds=(writing,))
    os.close(writing)
    try:
        ready = await asyncio.wait_for(asyncio.to_thread(_read_line, reading), START_SECONDS)
    except TimeoutError as error:
        raise StartError("Error: Timed out waiting for Xvfb socket!") from error
    finally:
        os.close(reading)
    if not ready:
        raise StartError("Error: Xvfb did not start")
    return process


def _read_line(reading: int) -> bytes:
    """Up to the line end, which comes apart from the number; nothing when Xvfb has ended instead."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(reading, 16)):
        line += piece
    return line


def _unlock_display() -> None:
    """A container that was killed leaves the lock of its screen behind."""
    Path(f"/tmp/.X{DISPLAY[1:]}-lock").unlink(missing_ok=True)  # noqa: S108  (X's own place)


async def start_vnc(environ: Mapping[str, str], password: str, folder: Path) -> Process:
    """x11vnc; the password travels in a file that x11vnc removes once it has read it."""
    file = folder / ".vnc-password"
    file.touch(mode=0o600)
    file.write_text(f"{password}\n", encoding="utf-8")
    show = ("x11vnc", "-quiet", "-display", DISPLAY, "-forever", "-shared", "-noipv6", "-rfbport", str(VNC_PORT))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *show, *WHOLE_SCREEN, "-passwdfile", f"rm:{file}", env=dict(environ), stdout=quiet, stderr=quiet
    )


async def relay(own_port: int, public_port: int, mode: str, say: Say) -> None:
    """Socat from the network to the gateway's own port; started again when it ends, as in the image."""
    while True:
        say(f"Forking :::{own_port} onto 0.0.0.0:{public_port} > trading mode {mode} ")
        command = ["socat", f"TCP-LISTEN:{public_port},fork,reuseaddr", f"TCP:127.0.0.1:{own_port}"]
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await process.wait()
        except asyncio.CancelledError:
            await stop(process)
            raise
        await asyncio.sleep(RELAY_PAUSE_SECONDS)


async def run_pkill(name: str) -> None:
    """The one that is first on the PATH; it may take its time."""
    process = await asyncio.create_subprocess_exec("pkill", name)
    try:
        await asyncio.wait_for(process.wait(), PKILL_SECONDS)
    except TimeoutError:
        await stop(process)


async def stop(process: Process) -> None:
    """End a program: asked first, then made."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            continue
