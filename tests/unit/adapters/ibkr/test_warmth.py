from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from event_processor.adapters.ibkr.contracts import ContractBook
from event_processor.adapters.ibkr.link import Link
from event_processor.adapters.ibkr.warmth import Warmth, named
from event_processor.domain.contract import Contract, ContractQuery, TradingInterval
from event_processor.domain.ids import ConId
from event_processor.errors import ContractUnresolved, GatewayDisconnected
from tests.support.virtual_time import run_virtual

NOON = datetime(2026, 1, 5, 15, tzinfo=UTC)
OPEN = (TradingInterval(NOON - timedelta(hours=1), NOON + timedelta(hours=1)),)
LATER = (TradingInterval(NOON + timedelta(minutes=1), NOON + timedelta(hours=1)),)
SPY, TLT, GLD = (ContractQuery(symbol=symbol) for symbol in ("SPY", "TLT", "GLD"))


class _Contracts:
    """A contract book: what is known, and what was asked of the broker."""

    def __init__(self, hours: tuple[TradingInterval, ...]) -> None:
        self.hours = hours
        self.known: dict[ContractQuery, tuple[Contract, datetime]] = {}
        self.asked: list[str] = []
        self.asked_at: list[float] = []

    async def known_today(self, queries: Sequence[ContractQuery]) -> dict[ContractQuery, tuple[Contract, datetime]]:
        return {query: self.known[query] for query in queries if query in self.known}

    async def resolve(self, _asker: object, queries: Sequence[ContractQuery]) -> None:
        for query in queries:
            self.asked.append(query.symbol)
            self.asked_at.append(asyncio.get_running_loop().time())
            if query.symbol == "GONE":
                raise ContractUnresolved("GONE")
            contract = Contract(ConId(len(query.symbol) + ord(query.symbol[0])), query.symbol, liquid_hours=self.hours)
            self.known[query] = contract, NOON


class _Link:
    """A connection with a line for every contract it is asked to keep."""

    def __init__(self, *held: str) -> None:
        self.connection = object()
        self.positions = [Contract(ConId(number), name) for number, name in enumerate(held, 1)]
        self.kept: list[str] = []
        self.kept_at: list[float] = []
        self.lost = False
        self.looks = 0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())

    async def held(self) -> Sequence[Contract]:
        self.looks += 1
        if self.lost:
            raise GatewayDisconnected("the link is lost")
        return self.positions

    def lacking(self, wanted: Sequence[Contract]) -> Sequence[Contract]:
        return [contract for contract in wanted if contract.symbol not in self.kept]

    async def keep(self, contract: Contract, wanted: Sequence[Contract]) -> None:
        assert contract in wanted
        self.kept.append(contract.symbol)
        self.kept_at.append(asyncio.get_running_loop().time())


def _kept(contracts: _Contracts, link: _Link, seconds: float, meanwhile: Callable[[Warmth], None]) -> list[str]:
    """What has a line after so many seconds of keeping warm."""

    async def run() -> list[str]:
        warmth = Warmth(cast("ContractBook", contracts))
        warmth.connected(cast("Link", link))
        task = asyncio.create_task(warmth.run())
        meanwhile(warmth)
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return link.kept

    return run_virtual(run())


def _told(*queries: ContractQuery) -> Callable[[Warmth], None]:
    return lambda warmth: warmth.told(queries)


def test_what_was_told_and_what_is_held_is_kept_warm() -> None:
    """The last event's targets come first, then the holdings; each contract is looked up once."""
    contracts, link = _Contracts(OPEN), _Link("IWM")
    assert _kept(contracts, link, 60, _told(SPY, TLT)) == ["TLT", "SPY", "IWM"]
    assert sorted(contracts.asked) == ["IWM", "SPY", "TLT"]


def test_quotes_wait_for_the_market_to_open() -> None:
    """Contracts are looked up at any hour, lines are taken only while the market is open."""
    contracts, link = _Contracts(LATER), _Link("IWM")
    assert _kept(contracts, link, 50, _told()) == []
    assert contracts.asked == ["IWM"]
    assert _kept(contracts, _Link("IWM"), 70, _told()) == ["IWM"]


def test_nothing_is_asked_while_the_link_is_lost() -> None:
    """A lost link costs no message, and it is looked again later."""
    contracts, link = _Contracts(OPEN), _Link("IWM")
    link.lost = True
    assert (_kept(contracts, link, 60, _told()), contracts.asked) == ([], [])
    assert link.looks > 2
    link.lost = False
    assert _kept(contracts, link, 10, _told()) == ["IWM"]


def test_the_next_connection_is_warmed_anew() -> None:
    """What was told under one connection is kept under the next."""
    contracts, first, second = _Contracts(OPEN), _Link(), _Link()

    def reconnect(warmth: Warmth) -> None:
        warmth.told([SPY])
        asyncio.get_running_loop().call_later(30, lambda: warmth.connected(cast("Link", second)))

    assert _kept(contracts, first, 60, reconnect) == second.kept == ["SPY"]


def test_an_unknown_contract_is_asked_for_once() -> None:
    """A holding the broker cannot describe is left alone, and spoils nothing."""
    contracts, link = _Contracts(OPEN), _Link("GONE", "IWM")
    assert _kept(contracts, link, 60, _told()) == ["IWM"]
    assert contracts.asked == ["GONE", "IWM"]


def test_an_unknown_contract_is_asked_for_anew_under_the_next_connection() -> None:
    """Another login may be permitted what this one is not told of."""
    contracts = _Contracts(OPEN)

    def reconnect(warmth: Warmth) -> None:
        asyncio.get_running_loop().call_later(30, lambda: warmth.connected(cast("Link", _Link("GONE"))))

    _kept(contracts, _Link("GONE"), 60, reconnect)
    assert contracts.asked == ["GONE", "GONE"]


def test_what_was_told_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """No list grows for ever; what is told again counts as told last."""
    monkeypatch.setattr("event_processor.adapters.ibkr.warmth._TOLD_MAX", 2)

    def tell(warmth: Warmth) -> None:
        for query in (SPY, TLT, SPY, GLD):
            warmth.told([query])

    assert _kept(_Contracts(OPEN), _Link(), 60, tell) == ["GLD", "SPY"]


def test_what_is_told_is_looked_up_at_once() -> None:
    """The next event may come at any moment, so nobody waits for the next look."""

    def tell_later(warmth: Warmth) -> None:
        asyncio.get_running_loop().call_later(11, lambda: warmth.told([SPY]))

    assert _kept(_Contracts(OPEN), _Link(), 12, tell_later) == ["SPY"]


def test_others_keep_most_of_the_pace() -> None:
    """Forty holdings take seconds: not more than 15 requests leave in any one, be they for contracts or for lines."""
    contracts, link = _Contracts(OPEN), _Link(*(f"{chr(65 + number)}" for number in range(40)))
    _kept(contracts, link, 60, _told())
    sent = sorted(contracts.asked_at + link.kept_at)
    assert len(sent) == 80
    assert all(later - first >= 1 for first, later in zip(sent, sent[16:], strict=False))


def test_a_contract_is_named_by_all_that_tells_it_from_others() -> None:
    """A conId with another currency or type beside it is a contract that IBKR does not know."""
    held = Contract(ConId(7), "SAP", sec_type="ETF", currency="EUR")
    assert named(held) == ContractQuery(symbol="SAP", con_id=ConId(7), sec_type="ETF", currency="EUR")
