"""Requests of people to the running processor, and its answers.

A request is a short-lived key and its id on a list: that of one processor, or the one that any answers. Once the key
has run out the request is void: a processor that was down does not act on what somebody asked for an hour ago.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.codec import text_of, to_json
from event_processor.adapters.redis.connection import RedisLink

REQUEST_SECONDS = 30.0
REPLY_SECONDS = 60.0
SLICE_SECONDS_MIN = 0.01
"""What Redis rounds down to no milliseconds is to it a wait without end."""


@dataclass(frozen=True, slots=True)
class Command:
    """One request: what to do, with which arguments, and the id its answer goes to."""

    command_id: str
    name: str
    arguments: Mapping[str, Any]


class RedisCommands:
    """Both ends; `processor` is the name of the one that answers here. All methods raise StoreUnavailable."""

    def __init__(self, link: RedisLink, processor: str = "") -> None:
        self._link = link
        self._lists = [*([keys.commands_for(processor)] if processor else []), keys.COMMANDS]

    async def send(
        self, name: str, arguments: Mapping[str, Any], valid_seconds: float = REQUEST_SECONDS, *, to: str = ""
    ) -> str:
        """Ask the processor `to`, or any, for something; the id to wait for its answer with."""
        command_id = str(await self._link.command("number the request", "INCR", keys.COMMAND_NUMBER))
        valid_ms = max(1, int(valid_seconds * 1000))
        text = text_of({"name": name, "arguments": to_json(arguments)})
        waiting = keys.commands_for(to) if to else keys.COMMANDS
        await self._link.commands(
            "send the request",
            [
                ("SET", keys.command(command_id), text, "PX", valid_ms),
                ("RPUSH", waiting, command_id),
                ("PEXPIRE", waiting, valid_ms),
            ],
        )
        return command_id

    async def wait_reply(self, command_id: str, wait_seconds: float) -> dict[str, Any] | None:
        """The answer; None when there is none in time."""
        return _object(await self._pop("wait for the answer", [keys.reply(command_id)], wait_seconds))

    async def next(self, wait_seconds: float) -> Command | None:
        """The oldest request that still stands; None when there is none in time. Handed out once."""
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while command_id := await self._pop("wait for requests", self._lists, _left(deadline)):
            request = _object(await self._link.command("read the request", "GETDEL", keys.command(command_id)))
            if request is not None:
                return Command(command_id, request["name"], request["arguments"])
        return None

    async def reply(self, command_id: str, document: Mapping[str, Any]) -> None:
        """Answer a request; kept for a minute for whoever waits."""
        name = keys.reply(command_id)
        await self._link.commands(
            "answer the request",
            [
                ("RPUSH", name, text_of(to_json(document))),
                ("PEXPIRE", name, int(REPLY_SECONDS * 1000)),
            ],
        )

    async def _pop(self, what: str, lists: Sequence[str], wait_seconds: float) -> str | None:
        """The first item of one of the lists as soon as there is one, waiting in slices the link allows."""
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while (left := _left(deadline)) > 0:
            slice_seconds = max(SLICE_SECONDS_MIN, min(left, self._link.timing.block))
            popped = await self._link.command(what, "BLPOP", *lists, f"{slice_seconds:.3f}")
            if popped is not None:
                return str(popped[1])
        for name in lists:
            found = await self._link.command(what, "LPOP", name)
            if found is not None:
                return str(found)
        return None


def _left(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    return found
