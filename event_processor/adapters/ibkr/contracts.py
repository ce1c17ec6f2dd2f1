"""Queries -> contracts, one look-up per distinct query and trading day, refusing what is unknown or ambiguous."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import ib_async as ib

from event_processor.adapters.ibkr import codes, translate
from event_processor.adapters.ibkr.lookups import Asker
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import ConId
from event_processor.errors import ContractUnresolved, GatewayDisconnected

_T = TypeVar("_T")

_EXCHANGE_ALIASES = {"ISLAND": "NASDAQ"}
"""IBKR writes one exchange in several ways; NASDAQ.NMS is NASDAQ too."""


class ContractStore(Protocol):
    """Where resolved contracts may be kept over restarts; it spares look-ups and nothing depends on it."""

    async def load(self, query: ContractQuery) -> tuple[Contract, datetime] | None:
        """The contract and when it was fetched."""

    async def save(self, query: ContractQuery, contract: Contract, fetched_at: datetime) -> None:
        """Keep it."""


class ContractBook:
    """The contracts known today. Hours change, so what was fetched on another day (UTC) is fetched again."""

    def __init__(self, now: Callable[[], datetime], store: ContractStore | None = None) -> None:
        self._now = now
        self._store = store
        self._known: dict[ContractQuery, tuple[Contract, datetime]] = {}

    async def resolve(self, asker: Asker, queries: Iterable[ContractQuery]) -> Mapping[ContractQuery, Contract]:
        """The contract of each query.

        Raises:
            ContractUnresolved: naming every query that is unknown or ambiguous.
            GatewayDisconnected: a look-up failed; nothing is concluded from that.
        """
        distinct = list(dict.fromkeys(queries))
        answers = await _all(self._contract(asker, query) for query in distinct)
        problems = [answer for answer in answers if isinstance(answer, str)]
        if problems:
            raise ContractUnresolved("; ".join(problems))
        return {query: found for query, found in zip(distinct, answers, strict=True) if isinstance(found, Contract)}

    async def _contract(self, asker: Asker, query: ContractQuery) -> Contract | str:
        """The contract, or what is wrong in words."""
        cached = self._known.get(query) or (await self._store.load(query) if self._store else None)
        if cached is not None and cached[1].date() == self._now().date():
            self._known[query] = cached
            return cached[0]
        found = narrow(query, await self._candidates(asker, query))
        if isinstance(found, Contract):
            self._known[query] = found, self._now()
            if self._store:
                await self._store.save(query, *self._known[query])
        return found

    async def _candidates(self, asker: Asker, query: ContractQuery) -> Sequence[Contract]:
        request = translate.to_ib_query(query)
        try:
            details = await asker.ask(
                f"contract details of {query}", lambda: asker.facade.reqContractDetailsAsync(request)
            )
        except ib.RequestError as error:
            if error.code == codes.UNKNOWN_CONTRACT:
                return ()
            raise GatewayDisconnected(
                f"the gateway did not look up {query}: {error.code}: {error.message}", reason_code="request_refused"
            ) from error
        return [translate.contract_of(found) for found in details]


def narrow(query: ContractQuery, candidates: Sequence[Contract]) -> Contract | str:
    """The one candidate that the query means, or what is wrong in words."""
    by_id: dict[ConId, Contract] = {}
    for candidate in candidates:
        if _fits(query, candidate):
            by_id.setdefault(candidate.con_id, candidate)
    if not by_id and candidates:
        found = ", ".join(sorted({_name(candidate) for candidate in candidates}))
        return f"{query}: IBKR knows no such contract, only {found}"
    if not by_id:
        return f"{query}: IBKR knows no such contract"
    if len(by_id) > 1:
        found = ", ".join(sorted(_name(candidate) for candidate in by_id.values()))
        return f"{query}: ambiguous, IBKR offers {found}; name the con_id or the primary exchange"
    return next(iter(by_id.values()))


def _fits(query: ContractQuery, candidate: Contract) -> bool:
    if query.con_id:
        return candidate.con_id == query.con_id
    if query.currency and candidate.currency != query.currency:
        return False
    if not query.primary_exchange:
        return True
    return _exchange(candidate.primary_exchange) == _exchange(query.primary_exchange)


def _exchange(name: str) -> str:
    short = name.upper().partition(".")[0]
    return _EXCHANGE_ALIASES.get(short, short)


def _name(contract: Contract) -> str:
    where = f"@{contract.primary_exchange}" if contract.primary_exchange else ""
    return f"{contract.symbol}{where} ({contract.currency}, con_id {contract.con_id})"


async def _all(look_ups: Iterable[Awaitable[_T]]) -> list[_T]:
    """All answers; the first failure once every look-up has ended, so that none is left running."""
    answers = await asyncio.gather(*look_ups, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
