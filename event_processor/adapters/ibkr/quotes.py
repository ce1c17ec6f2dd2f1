"""Quotes with their age, over at most so many market data lines.

The contracts asked for get standing lines, as far as two thirds of the lines reach; what is left over, and
what has not been heard of for a while, is asked for by snapshot, a wave at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from event_processor.adapters.ibkr import codes
from event_processor.adapters.ibkr.lines import Line
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.domain.contract import Contract
from event_processor.domain.ids import ConId
from event_processor.domain.portfolio import Quote
from event_processor.errors import QuotesUnavailable

DELAYED = 3
"""Market data type: live where subscribed, else delayed."""


class Wire(Protocol):
    """The connection, as far as quotes need it. Requests wait for their place to send."""

    async def request_data(self, contract: Contract, *, snapshot: bool) -> int:
        """Ask for market data; the request id."""

    async def cancel_data(self, request_id: int) -> None: ...
    async def choose_data_type(self, data_type: int) -> None: ...
    async def happens(self, event: Awaitable[Any], seconds_max: float) -> bool:
        """Whether it happens in time; raises GatewayDisconnected when the connection ends first."""


class QuoteBook:
    """The market data lines of one connection."""

    def __init__(self, settings: IbkrSettings, wire: Wire, now: Callable[[], datetime]) -> None:
        self._wire = wire
        self._now = now
        self._settings = settings
        self._wave = max(1, settings.market_data_lines // 3)
        self._standing_max = settings.market_data_lines - self._wave
        self._lines: dict[ConId, Line] = {}
        self._by_request: dict[int, Line] = {}
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._type_chosen = not settings.allow_delayed

    async def quotes(self, contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
        """A quote for each contract, none older than asked.

        Raises:
            QuotesUnavailable: naming each contract without one, and why.
            GatewayDisconnected: the connection ended meanwhile.
        """
        async with self._turn:
            lines = [self._line(contract) for contract in {each.con_id: each for each in contracts}.values()]
            now = self._now()
            await self._fetch([line for line in lines if line.quote(now, age_seconds_max / 2) is None], lines)
            now = self._now()
            found = {line.contract.con_id: line.quote(now, age_seconds_max) for line in lines}
            self._lines = {con_id: line for con_id, line in self._lines.items() if line.standing_id}
        missing = [line for line in lines if found[line.contract.con_id] is None]
        if missing:
            raise _unavailable(missing)
        return {con_id: quote for con_id, quote in found.items() if quote is not None}

    def lines_lost(self) -> None:
        """1101: the gateway has forgotten every subscription."""
        self._lines.clear()
        self._by_request.clear()

    def tick_price(self, request_id: int, tick_type: int, price: float) -> None:
        """A price tick; unknown ids are lines given up."""
        if line := self._by_request.get(request_id):
            line.hear_price(tick_type, price, self._now())
            self._news.set()

    def tick_other(self, request_id: int, tick_type: int, text: str) -> None:
        """Any other tick."""
        if line := self._by_request.get(request_id):
            line.hear_other(tick_type, text, self._now())

    def data_type(self, request_id: int, data_type: int) -> None:
        """Live, frozen or delayed."""
        if line := self._by_request.get(request_id):
            line.hear_type(data_type)

    def snapshot_complete(self, request_id: int) -> None:
        """No more ticks come for this snapshot."""
        if line := self._by_request.pop(request_id, None):
            line.snapshot_id = 0
            line.ended = True
            self._news.set()

    def notice(self, request_id: int, code: int) -> bool:
        """An error or notice; whether it was about one of our lines."""
        line = self._by_request.get(request_id)
        if line is None:
            return False
        line.hear_code(code)
        if code in codes.DATA_REFUSALS:
            del self._by_request[request_id]
        self._news.set()
        return True

    def _line(self, contract: Contract) -> Line:
        """The contract's line, most recently used last."""
        line = self._lines.pop(contract.con_id, None) or Line(contract, self._settings.allow_delayed)
        line.contract = contract
        self._lines[contract.con_id] = line
        return line

    async def _fetch(self, missing: Sequence[Line], wanted: Sequence[Line]) -> None:
        if not missing:
            return
        if not self._type_chosen:
            await self._wire.choose_data_type(DELAYED)
            self._type_chosen = True
        newcomers = [line for line in missing if not line.standing_id]
        room = await self._make_room(len(newcomers), wanted)
        subscribed = newcomers[:room]
        for line in subscribed:
            line.standing_id = await self._request(line, snapshot=False)
        await self._settle(subscribed)
        done = {id(line) for line in subscribed}
        rest = [line for line in missing if id(line) not in done]
        for start in range(0, len(rest), self._wave):
            wave = rest[start : start + self._wave]
            for line in wave:
                line.snapshot_id = await self._request(line, snapshot=True)
            await self._settle(wave)
            await self._release(wave)
            if not any(line.answered for line in wave):
                return

    async def _make_room(self, count: int, wanted: Sequence[Line]) -> int:
        """Give up the longest unused standing lines for `count` new ones; how many fit."""
        standing = [line for line in self._lines.values() if line.standing_id]
        room = self._standing_max - len(standing)
        keep = {id(line) for line in wanted}
        for line in (line for line in standing if id(line) not in keep):
            if room >= count:
                break
            await self._give_up(line.standing_id)
            line.standing_id = 0
            room += 1
        return min(room, count)

    async def _request(self, line: Line, *, snapshot: bool) -> int:
        request_id = await self._wire.request_data(line.contract, snapshot=snapshot)
        line.ask_anew()
        self._by_request[request_id] = line
        return request_id

    async def _settle(self, lines: Sequence[Line]) -> None:
        """Wait until each line has answered, or the time for quotes is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.quote_timeout_seconds
        while not all(line.answered for line in lines):
            self._news.clear()
            if not await self._wire.happens(self._news.wait(), deadline - loop.time()):
                return

    async def _release(self, lines: Sequence[Line]) -> None:
        """End the snapshots that have not ended by themselves: each holds a line."""
        for line in lines:
            if line.snapshot_id:
                await self._give_up(line.snapshot_id)
                line.snapshot_id = 0

    async def _give_up(self, request_id: int) -> None:
        self._by_request.pop(request_id, None)
        await self._wire.cancel_data(request_id)


def _unavailable(missing: Sequence[Line]) -> QuotesUnavailable:
    reasons: dict[str, list[str]] = {}
    for line in missing:
        reasons.setdefault(line.why_not(), []).append(line.contract.symbol or str(line.contract.con_id))
    text = "; ".join(f"{', '.join(sorted(symbols))}: {reason}" for reason, symbols in reasons.items())
    competing = any(line.code == codes.COMPETING_SESSION for line in missing)
    return QuotesUnavailable(f"no usable price for {text}", reason_code="competing_data" if competing else "")
