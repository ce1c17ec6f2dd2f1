"""Queries -> contracts, one look-up per distinct query and trading day, refusing what is unknown or ambiguous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import ib_async as ib

from event_processor.adapters.ibkr import codes, translate
from event_processor.adapters.ibkr.lookups import Asker
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import ConId
from event_processor.errors import ContractUnresolved, GatewayDisconnected

_EXCHANGE_ALIASES = {"ISLAND": "NASDAQ"}
"""IBKR writes one exchange in several ways; NASDAQ.NMS is NASDAQ too."""


Known = tuple[Contract, datetime]
"""A contract and when it was fetched."""


class ContractStore(Protocol):
    """Where resolved contracts may be kept over restarts; it spares look-ups and nothing depends on it.

    It never raises and never takes long: what it cannot answer it does not know.
    """

    async def load(self, queries: Sequence[ContractQuery]) -> Mapping[ContractQuery, Known]:
        """What it knows of these."""

    async def save(self, found: Mapping[ContractQuery, Known]) -> None:
        """Keep them."""


class ContractBook:
    """The contracts known today. Hours change, so what was fetched on another day (UTC) is fetched again."""

    def __init__(self, now: Callable[[], datetime], store: ContractStore | None = None) -> None:
        self._now = now
        self._store = store
        self._known: dict[ContractQuery, Known] = {}
        self._by_id: dict[ConId, Known] = {}

    async def resolve(self, asker: Asker, queries: Iterable[ContractQuery]) -> Mapping[ContractQuery, Contract]:
        """The contract of each query.

        Raises:
            ContractUnresolved: naming every query that is unknown or ambiguous.
            GatewayDisconnected: a look-up failed; nothing is concluded from that.
        """
        distinct = list(dict.fromkeys(queries))
        known = await self.known_today(distinct)
        unknown = [query for query in distinct if query not in known]
        answers = await asyncio.gather(*(self._look_up(asker, query) for query in unknown), return_exceptions=True)
        found = {query: answer for query, answer in zip(unknown, answers, strict=True) if isinstance(answer, tuple)}
        self._keep(found)
        if found and self._store:
            await self._store.save(found)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        problems = [answer for answer in answers if isinstance(answer, str)]
        if problems:
            raise ContractUnresolved("; ".join(problems))
        return {query: contract for query, (contract, _) in (known | found).items()}

    async def known_today(self, queries: Sequence[ContractQuery]) -> dict[ContractQuery, Known]:
        """What is known of these without asking the broker."""
        known = self._remembered(queries)
        missing = [query for query in queries if query not in known]
        if missing and self._store:
            self._keep(await self._store.load(missing))
            known = self._remembered(queries)
        return known

    def _remembered(self, queries: Sequence[ContractQuery]) -> dict[ContractQuery, Known]:
        today = self._now().date()
        found = [
            (query, known) for query in queries for known in (self._known.get(query), self._by_id.get(query.con_id))
        ]
        return {query: known for query, known in found if known is not None and known[1].date() == today}

    def _keep(self, found: Mapping[ContractQuery, Known]) -> None:
        self._known.update(found)
        self._by_id.update((known[0].con_id, known) for known in found.values())

    async def _look_up(self, asker: Asker, query: ContractQuery) -> Known | str:
        """The contract, or what is wrong in words."""
        found = narrow(query, await self._candidates(asker, query))
        return found if isinstance(found, str) else (found, self._now())

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
