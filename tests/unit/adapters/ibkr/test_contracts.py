from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

import ib_async as ib
import pytest

from event_processor.adapters.ibkr.contracts import ContractBook, Known, narrow
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import ConId
from event_processor.errors import ContractUnresolved, GatewayDisconnected

T = TypeVar("T")

SPY = ContractQuery(symbol="SPY")


def _listing(con_id: int, symbol: str = "SPY", exchange: str = "ARCA", currency: str = "USD") -> Contract:
    return Contract(con_id=ConId(con_id), symbol=symbol, currency=currency, primary_exchange=exchange)


def test_one_listing_is_the_contract_however_often_it_is_named() -> None:
    """The same conId on several exchanges is one contract."""
    assert narrow(SPY, [_listing(1), _listing(1)]) == _listing(1)


@pytest.mark.parametrize("name", ["NASDAQ", "NASDAQ.NMS", "ISLAND", "nasdaq"])
def test_a_primary_exchange_narrows_down(name: str) -> None:
    """Of two listings the one on the named exchange is meant, in any spelling IBKR uses."""
    candidates = [_listing(1, exchange="NYSE"), _listing(2, exchange="NASDAQ")]
    assert narrow(ContractQuery(symbol="SPY", primary_exchange=name), candidates) == candidates[1]


def test_a_listing_that_names_no_exchange_is_not_the_one_asked_for() -> None:
    """Who asks for ARCA does not get what may be anywhere."""
    assert isinstance(narrow(ContractQuery(symbol="SPY", primary_exchange="ARCA"), [_listing(1, exchange="")]), str)


def test_a_con_id_means_that_contract_and_no_other() -> None:
    """Whatever else the gateway sends along, or instead, is left out; the currency asked for plays no part."""
    query = ContractQuery(con_id=ConId(2), currency="EUR")
    assert narrow(query, [_listing(1), _listing(2)]) == _listing(2)
    assert isinstance(narrow(query, [_listing(1)]), str)


def test_an_ambiguous_query_lists_what_it_could_mean() -> None:
    """Two conIds left are an error that names both and the way out."""
    problem = narrow(SPY, [_listing(1, exchange="NYSE"), _listing(2, exchange="ASX")])
    assert isinstance(problem, str)
    assert all(word in problem for word in ("ambiguous", "con_id 1", "con_id 2", "SPY@NYSE", "primary exchange"))


def test_a_wrong_currency_or_exchange_is_said() -> None:
    """When IBKR knows the symbol only elsewhere, the message says where."""
    problem = narrow(SPY, [_listing(1, exchange="LSE", currency="GBP")])
    assert isinstance(problem, str)
    assert "only SPY@LSE (GBP" in problem


class _Asker:
    """Answers contract look-ups from a table; an error code is raised as the gateway's answer."""

    def __init__(self, answers: dict[str, list[int] | int]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.interruptions = 0
        self.facade: Any = SimpleNamespace(reqContractDetailsAsync=self._details)

    async def ask(self, what: str, send: Callable[[], Awaitable[T]], *, has_id: bool = True) -> T:
        return await send()

    async def _details(self, contract: ib.Contract) -> list[ib.ContractDetails]:
        self.asked.append(contract.symbol or str(contract.conId))
        answer = self.answers[self.asked[-1]]
        if isinstance(answer, int):
            raise ib.RequestError(1, answer, "no")
        return [
            ib.ContractDetails(
                contract=ib.Contract(conId=con_id, symbol=contract.symbol, secType="STK", currency="USD"),
                minTick=0.01,
            )
            for con_id in answer
        ]


class _Days:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_each_query_is_looked_up_once_a_day() -> None:
    """A known contract costs no message today; tomorrow its hours are fetched anew."""
    days, asker = _Days(), _Asker({"SPY": [1]})
    book = ContractBook(days)
    await book.resolve(asker, [SPY, SPY])
    await book.resolve(asker, [SPY])
    days.now += timedelta(days=1)
    found = await book.resolve(asker, [SPY])
    assert asker.asked == ["SPY", "SPY"]
    assert found[SPY].con_id == 1


async def test_all_problems_come_at_once() -> None:
    """One error names every query that is unknown or ambiguous."""
    queries = [ContractQuery(symbol=symbol) for symbol in ("GOOD", "GONE", "TWO")]
    with pytest.raises(ContractUnresolved) as caught:
        await ContractBook(_Days()).resolve(_Asker({"GOOD": [1], "GONE": 200, "TWO": [2, 3]}), queries)
    assert all(symbol in str(caught.value) for symbol in ("GONE", "TWO"))
    assert "GOOD" not in str(caught.value)


async def test_a_refused_look_up_is_not_an_unknown_contract() -> None:
    """Any error but 200 says nothing about the contract."""
    with pytest.raises(GatewayDisconnected, match="322"):
        await ContractBook(_Days()).resolve(_Asker({"SPY": 322}), [SPY])


class _Store:
    def __init__(self, known: Known | None) -> None:
        self.known = known

    async def load(self, queries: Sequence[ContractQuery]) -> Mapping[ContractQuery, Known]:
        return {SPY: self.known} if self.known and SPY in queries else {}

    async def save(self, found: Mapping[ContractQuery, Known]) -> None:
        self.known = found[SPY]


@pytest.mark.parametrize(("age_days", "asked"), [(0, []), (1, ["SPY"])])
async def test_a_store_spares_todays_look_ups(age_days: int, asked: list[str]) -> None:
    """What the store kept today is used; what it kept yesterday is fetched and kept anew."""
    days, asker = _Days(), _Asker({"SPY": [1]})
    store = _Store((_listing(1), days.now - timedelta(days=age_days)))
    await ContractBook(days, store).resolve(asker, [SPY])
    assert asker.asked == asked
    assert store.known is not None
    assert store.known[1] == days.now


async def test_a_holding_is_known_from_the_event_that_named_it() -> None:
    """Positions name contracts by conId: one that was resolved today by symbol is not looked up again."""
    days, asker = _Days(), _Asker({"SPY": [1]})
    book = ContractBook(days)
    await book.resolve(asker, [SPY])
    held = ContractQuery(symbol="SPY", con_id=ConId(1))
    assert (await book.resolve(asker, [held]))[held].con_id == 1
    assert asker.asked == ["SPY"]


async def test_what_was_found_beside_a_failure_is_kept() -> None:
    """A look-up that failed is asked again, and only that one."""
    asker, book = _Asker({"GOOD": [1], "BAD": 322}), ContractBook(_Days())
    queries = [ContractQuery(symbol="GOOD"), ContractQuery(symbol="BAD")]
    with pytest.raises(GatewayDisconnected):
        await book.resolve(asker, queries)
    asker.answers["BAD"] = [2]
    assert len(await book.resolve(asker, queries)) == 2
    assert asker.asked == ["GOOD", "BAD", "BAD"]
