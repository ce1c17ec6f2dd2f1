"""Plays cards one after the other, each on a place of its own where that can be had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.ids import AccountId, is_paper_account
from event_processor.entrypoints.drill.card import Card, DrillFailed, DrillSkipped, Manner, Result, Verdict, judged
from event_processor.entrypoints.drill.place import Place, simulator_for
from event_processor.entrypoints.drill.stage import CLIENT_ID, Stage
from event_processor.errors import ProcessorError

SIMULATED_ACCOUNT = AccountId("DU1234567")


@dataclass(frozen=True, slots=True)
class Drill:
    """`place` None means a simulator for each card; `named` are cards asked for by number; `say` reaches a person
    who is at the screen, None when nobody is."""

    place: Place | None
    account: AccountId
    symbol: str
    named: Collection[str] = ()
    say: Callable[[str], None] | None = None


async def find_account(place: Place, wanted: str) -> AccountId:
    """The paper account to play on.

    Raises DrillFailed when the login has any account that is not a paper account, or not the one wanted, or
    several and none is named; BrokerUnavailable when there is no session."""
    if wanted and not is_paper_account(AccountId(wanted)):
        raise DrillFailed(f"{wanted} is not a paper account (those begin with D); a drill never touches another")
    broker = IbkrBroker(IbkrSettings(host=place.host, port=place.port, client_id=CLIENT_ID), SystemClock())
    try:
        accounts = await broker.connect()
    finally:
        await broker.disconnect()
    live = [account for account in accounts if not is_paper_account(account)]
    if live or not accounts:
        raise DrillFailed(
            f"this login has {', '.join(live) or 'no account'}: a drill is played on paper accounts only "
            "(those begin with D). Log the gateway in with the paper user name"
        )
    if wanted and wanted not in accounts:
        raise DrillFailed(f"account {wanted} is not one of this login's ({', '.join(accounts)})")
    if not wanted and len(accounts) > 1:
        raise DrillFailed(f"the login has several accounts: choose one with --account ({', '.join(accounts)})")
    return AccountId(wanted) if wanted else accounts[0]


async def perform(drill: Drill, cards: Sequence[Card]) -> AsyncIterator[Result]:
    """The result of each card, as soon as it is there."""
    run = f"drill-{SystemClock().now():%Y%m%d%H%M%S%f}"
    for card in cards:
        yield await _play(drill, card, run)


async def _play(drill: Drill, card: Card, run: str) -> Result:
    if drill.place is not None and card.manner is Manner.NAMED and card.number not in drill.named:
        return Result(card, Verdict.SKIPPED, f"takes hours; play it with --card {card.number}", 0.0)
    clock = SystemClock()
    began = clock.monotonic()
    with ExitStack() as ends:
        try:
            place = drill.place or ends.enter_context(simulator_for(card))
            stage = Stage(card, place, drill.account, drill.symbol, run, drill.say)
        except ProcessorError as error:
            return Result(card, Verdict.FAILED, str(error), clock.monotonic() - began)
        try:
            async with asyncio.timeout(card.seconds):
                await card.play(stage)
        except DrillSkipped as reason:
            return _ended(stage, Verdict.SKIPPED, str(reason), clock.monotonic() - began)
        except ProcessorError as error:
            return _ended(stage, Verdict.FAILED, str(error), clock.monotonic() - began)
        except TimeoutError:
            late = f"not over within {card.seconds:g} s; look for open orders of client ids {CLIENT_ID} and above"
            return _ended(stage, Verdict.FAILED, late, clock.monotonic() - began)
        return judged(card, tuple(stage.checks), dict(stage.seen), clock.monotonic() - began)


def _ended(stage: Stage, verdict: Verdict, reason: str, seconds: float) -> Result:
    return Result(stage.card, verdict, reason, seconds, tuple(stage.checks), dict(stage.seen))
