"""Whether a port takes connections at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def listens(host: str, port: int, seconds_max: float) -> bool:
    """Connect, say nothing, and hang up; False also when the host is unknown or does not answer in time."""
    try:
        async with asyncio.timeout(seconds_max):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # a TimeoutError is one
        return False
    writer.close()
    with suppress(OSError):  # whoever listens may have hung up first
        await writer.wait_closed()
    return True
