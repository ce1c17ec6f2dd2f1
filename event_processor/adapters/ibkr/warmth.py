"""Keeps at hand what the next event will ask for: today's contracts and, while their market is open, standing
quotes of what the accounts hold or were last told to hold.

Gently: one request at a time, so that most of the pace is left to whatever comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from event_processor.adapters.ibkr.contracts import ContractBook
from event_processor.adapters.ibkr.link import Link
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.schedule import next_open
from event_processor.errors import BrokerUnavailable, ContractUnresolved

_LOOK_SECONDS = 5.0
"""How often we look for what is lacking: a market opened, a position is new, subscriptions were lost."""
_PAUSE_SECONDS = 1 / 15
"""Between two requests: a third of IBKR's pace."""
_TOLD_MAX = 1000


class Warmth:
    """Outlives connections: what was asked for under one is kept warm under the next."""

    def __init__(self, contracts: ContractBook) -> None:
        self._contracts = contracts
        self._told: dict[ContractQuery, None] = {}
        self._unknown: set[ContractQuery] = set()
        self._link: Link | None = None
        self._news = asyncio.Event()

    def told(self, queries: Iterable[ContractQuery]) -> None:
        """An event named these: so will the next one."""
        for query in queries:
            self._told.pop(query, None)
            self._told[query] = None
        for query in list(self._told)[:-_TOLD_MAX]:
            del self._told[query]
        self._news.set()

    def connected(self, link: Link | None) -> None:
        """From now on this connection is kept warm, or none."""
        self._link = link
        self._unknown.clear()
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if self._link is not None:
                with suppress(BrokerUnavailable):  # whoever keeps the session sees it too; we try again
                    await self._warm(self._link)
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._news.wait()

    async def _warm(self, link: Link) -> None:
        held = await link.held()
        wanted = await self._today(link, list(dict.fromkeys([*reversed(self._told), *map(named, held)])))
        now = link.now()
        open_now = [contract for contract in wanted if next_open([contract], now).open]
        for contract in link.lacking(open_now):
            await link.keep(contract, open_now)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _today(self, link: Link, queries: Sequence[ContractQuery]) -> Sequence[Contract]:
        """The contracts with today's hours, each once; what the broker does not know is left out."""
        wanted = [query for query in queries if query not in self._unknown]
        known = await self._contracts.known_today(wanted)
        for query in (query for query in wanted if query not in known):
            try:
                await self._contracts.resolve(link.connection, [query])
            except ContractUnresolved:
                self._unknown.add(query)  # an event that needs it is told
            await asyncio.sleep(_PAUSE_SECONDS)
        known = await self._contracts.known_today(wanted)
        return list({contract.con_id: contract for contract, _ in known.values()}.values())


def named(contract: Contract) -> ContractQuery:
    """The query that means this very contract."""
    return ContractQuery(
        symbol=contract.symbol, con_id=contract.con_id, sec_type=contract.sec_type, currency=contract.currency
    )
