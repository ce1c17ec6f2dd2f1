"""Quotes with their age, over at most so many market data lines.

The contracts asked for get standing lines, as far as the lines reach. When there are more, some lines are kept
for what is left over: it is asked for by snapshot, a wave at a time, and so is what has not been heard of for a
while. A standing line is only given up when there is no other room, the longest unused first.

Other programs of the same user, such as TWS, use lines too. When the gateway says that there are no more (101), we make
do with those we have until the next connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
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
        self._lines_max = settings.market_data_lines
        self._lines: dict[ConId, Line] = {}
        self._by_request: dict[int, Line] = {}
        self._refused: set[ConId] = set()
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
            now, lines_max = self._now(), self._lines_max + 1
            while self._lines_max < lines_max:  # again with fewer, as often as the gateway has no more
                lines_max = self._lines_max
                await self._fetch([line for line in lines if line.quote(now, age_seconds_max / 2) is None], lines)
                now = self._now()
            found = {line.contract.con_id: line.quote(now, age_seconds_max) for line in lines}
            self._lines = {con_id: line for con_id, line in self._lines.items() if line.standing_id}
        missing = [line for line in lines if found[line.contract.con_id] is None]
        if missing:
            raise _unavailable(missing)
        return {con_id: quote for con_id, quote in found.items() if quote is not None}

    def lacking(self, wanted: Sequence[Contract]) -> Sequence[Contract]:
        """Which contracts should get a standing line, as far as the lines reach; none the gateway has refused."""
        standing = {con_id for con_id, line in self._lines.items() if line.standing_id}
        without = [contract for contract in wanted if contract.con_id not in standing]
        more = self._reach(len(wanted)) - (len(wanted) - len(without))
        return [contract for contract in without if contract.con_id not in self._refused][: max(0, more)]

    async def keep(self, contract: Contract, wanted: Sequence[Contract]) -> None:
        """A standing line for a contract that is still lacking one, without waiting for its price.

        Raises:
            GatewayDisconnected: the connection has ended.
        """
        async with self._turn:
            if contract in self.lacking(wanted):
                await self._make_room(1, {each.con_id for each in wanted})
                await self._subscribe(self._line(contract))

    def lines_lost(self) -> None:
        """1101: the gateway has forgotten every subscription."""
        self._lines.clear()
        self._by_request.clear()
        self._refused.clear()
        self._lines_max = self._settings.market_data_lines

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
            if code == codes.LINES_EXHAUSTED:
                self._lines_max = max(1, min(self._lines_max, len(self._by_request)))
            else:
                self._refused.add(line.contract.con_id)
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
        newcomers = [line for line in missing if not line.standing_id]
        room, wave = await self._divide(len(newcomers), len(missing), {line.contract.con_id for line in wanted})
        subscribed = newcomers[:room]
        for line in subscribed:
            await self._subscribe(line)
        await self._settle(subscribed)
        done = {id(line) for line in subscribed}
        rest = [line for line in missing if id(line) not in done]
        for start in range(0, len(rest), wave):
            part = rest[start : start + wave]
            for line in part:
                line.snapshot_id = await self._request(line, snapshot=True)
            await self._settle(part)
            await self._release(part)
            if not any(line.answered for line in part):
                return

    async def _divide(self, newcomers: int, missing: int, wanted: AbstractSet[ConId]) -> tuple[int, int]:
        """How many newcomers get standing lines, and how many lines are left for a wave of snapshots."""
        free = self._lines_max - self._standing
        wave = min(self._wave_max, max(missing - newcomers, missing - free))
        free = await self._make_room(wave, wanted)
        return min(newcomers, free - wave), max(1, wave)

    def _reach(self, count: int) -> int:
        """How many of so many contracts can stand: all, or what leaves room for snapshots of the others."""
        lines = self._lines_max
        return lines - min(self._wave_max, max(0, count - lines))

    @property
    def _wave_max(self) -> int:
        return max(1, self._lines_max // 3)

    @property
    def _standing(self) -> int:
        return sum(1 for line in self._lines.values() if line.standing_id)

    async def _make_room(self, count: int, wanted: AbstractSet[ConId]) -> int:
        """Give up standing lines until so many are free, those that are not wanted first; how many are free."""
        free = self._lines_max - self._standing
        standing = [line for line in self._lines.values() if line.standing_id]
        for line in sorted(standing, key=lambda line: line.contract.con_id in wanted):
            if free >= count:
                break
            await self._give_up(line.standing_id)
            line.standing_id = 0
            free += 1
        return free

    async def _subscribe(self, line: Line) -> None:
        line.standing_id = await self._request(line, snapshot=False)

    async def _request(self, line: Line, *, snapshot: bool) -> int:
        if not self._type_chosen:
            await self._wire.choose_data_type(DELAYED)
            self._type_chosen = True
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
