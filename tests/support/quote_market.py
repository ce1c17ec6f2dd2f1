"""A market data wire without a socket: it answers at once with a bid and an ask, or as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.quotes import QuoteBook
from event_processor.domain.contract import Contract
from event_processor.domain.ids import ConId


class QuoteMarket:
    """The wire, without a socket: answers at once with a bid and an ask, or as a test says."""

    def __init__(self, settings: IbkrSettings) -> None:
        self.book = QuoteBook(settings, self, self.now)
        self.requests: list[tuple[int, bool]] = []
        self.cancelled: list[int] = []
        self.data_types: list[int] = []
        self.codes: dict[int, int] = {}
        self.quiet = False
        self.start = asyncio.get_running_loop().time()
        self.open_lines: set[int] = set()
        self.most_lines = 0
        self.lines = 1000

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 15, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time() - self.start)

    async def request_data(self, contract: Contract, *, snapshot: bool) -> int:
        self.requests.append((contract.con_id, snapshot))
        request_id = len(self.requests)
        self.open_lines.add(request_id)
        self.most_lines = max(self.most_lines, len(self.open_lines))
        if not self.quiet:
            asyncio.get_running_loop().call_later(0.1, self._answer, request_id, contract.con_id)
        return request_id

    async def cancel_data(self, request_id: int) -> None:
        self.cancelled.append(request_id)
        self.open_lines.discard(request_id)

    async def choose_data_type(self, data_type: int) -> None:
        self.data_types.append(data_type)

    async def happens(self, event: Awaitable[Any], seconds_max: float) -> bool:
        try:
            await asyncio.wait_for(event, seconds_max)
        except TimeoutError:
            return False
        return True

    def refuses_more(self, request_id: int) -> bool:
        """Whether the lines that are open without this one, and not refused before it, are all there are."""
        return request_id in self.open_lines and sum(1 for line in self.open_lines if line < request_id) >= self.lines

    def _answer(self, request_id: int, con_id: int) -> None:
        if self.refuses_more(request_id):
            self.open_lines.discard(request_id)
            self.book.notice(request_id, 101)
        elif code := self.codes.get(con_id):
            self.book.notice(request_id, code)
        else:
            self.book.tick_price(request_id, 1, 100.0)
            self.book.tick_price(request_id, 2, 100.5)


def numbered(count: int, first: int = 1) -> list[Contract]:
    """Contracts S1, S2 …, whose number is their conId."""
    return [Contract(con_id=ConId(con_id), symbol=f"S{con_id}") for con_id in range(first, first + count)]
