"""Cards about orders: filled, cancelled, noticed, only asked about, and how long they are shown afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from event_processor.adapters.clock import SystemClock
from event_processor.domain.contract import Contract
from event_processor.domain.order import OrderStatus, Side
from event_processor.domain.reports import Commission, Execution, NoticeKind, OrderReport
from event_processor.domain.schedule import next_open
from event_processor.entrypoints.drill.card import DrillSkipped
from event_processor.entrypoints.drill.plain import plain_session
from event_processor.entrypoints.drill.stage import Stage
from event_processor.entrypoints.drill.trader import Placed, Trader, completed_of, executions_of, open_of
from event_processor.errors import BrokerUnavailable

NEW_YORK = ZoneInfo("America/New_York")
LOOK_EVERY_SECONDS = 900.0
LOOKS_MAX = 26 * 4
TICK_SECONDS = 0.05
SHOWN_SECONDS = 10.0
CANCELLED = 202
INFORMATIVE = frozenset({399, 10349, 10167, 2109, *range(2100, 2200)})


async def buy_and_fill(stage: Stage) -> None:
    """D-01."""
    async with stage.trader() as trader:
        contract = await open_contract(stage, trader)
        before = await held(trader, contract)
        began = trader.seconds
        async with bought(trader, contract) as placed:
            stage.note("seconds until filled and its cost known", f"{trader.seconds - began:.3f}")
            stage.note("order of the reports", _reports(trader, placed))
            statuses = [report.status for report in trader.orders(placed)]
            stage.check("reported", bool(statuses), ", ".join(statuses))
            stage.check("filled", statuses[-1] is OrderStatus.FILLED, statuses[-1])
            shares = {one.exec_id: one.quantity for one in trader.executions(placed)}
            heard = len(trader.executions(placed))
            stage.check("once", sum(shares.values()) == 1, f"{len(shares)} execIds in {heard} reports: {shares}")
            costs = {one.exec_id: f"{one.amount} {one.currency}" for one in trader.commissions(placed)}
            stage.check("cost", costs.keys() == shares.keys(), costs)
            seconds = await _position(trader, contract, before + 1)
            stage.check("position", seconds is not None, f"after {seconds:.3f} s" if seconds is not None else "never")


async def reference_kept(stage: Stage) -> None:
    """D-02."""
    async with stage.trader() as trader:
        contract = await open_contract(stage, trader)
        resting = await trader.rest(contract)
        await trader.until_working(resting)
        opened = open_of(await trader.broker.evidence(), resting.ref)
        stage.check("open", len(opened) == 1, _refs(opened))
        await trader.cancel(resting)
        done = await until_completed(trader, resting)
        stage.check("completed", len(done) == 1, _refs(done))
        async with bought(trader, contract) as placed:
            traded = executions_of(await trader.broker.evidence(), placed.ref)
            stage.check("executed", bool(traded), ", ".join(one.order_ref for one in traded) or "none with it")
        stage.note("length of the orderRef", len(resting.ref))


async def rest_and_cancel(stage: Stage) -> None:
    """D-03."""
    async with stage.trader() as trader, stage.trader(1) as other:
        placed = await trader.rest(await trader.contract(stage.symbol))
        await trader.until_working(placed)
        stage.check("rests", not trader.executions(placed), trader.status(placed))
        await trader.cancel(placed)
        await trader.until(lambda: trader.notices(placed.order_id), "a code about the cancel")
        codes = [(notice.code, notice.message) for notice in trader.notices(placed.order_id)]
        stage.check("told", CANCELLED in dict(codes), codes)
        stage.check("cancelled", trader.status(placed) is OrderStatus.CANCELLED, trader.status(placed))
        done = await until_completed(other, placed)
        good = len(done) == 1 and done[0].perm_id
        stage.check("listed", good, ", ".join(f"permId {r.perm_id}, {r.status}, {r.order_ref}" for r in done) or "no")


async def informative_notices(stage: Stage) -> None:
    """D-10."""
    async with stage.trader() as trader, plain_session(stage.settings(1)) as plain:
        contract = await open_contract(stage, trader)
        async with bought(trader, contract) as placed:
            await trader.ask_cancel(placed.order_id)
            await trader.until(lambda: trader.notices(placed.order_id), "an answer to the cancel that came too late")
            notices = trader.notices(placed.order_id)
            said = ", ".join(f"{one.code}: {one.message}" for one in notices)
            stage.check("too late", notices[-1].kind is NoticeKind.CANCEL_REFUSED, said)
            shares = sum(one.quantity for one in executions_of(await trader.broker.evidence(), placed.ref))
            stage.check("still filled", shares == 1, f"{shares} executed")
        ref = trader.next_ref()
        order_id = plain.rest_without_tif(contract, stage.account, ref, await trader.resting_price(contract))
        shown = await _until_open(trader, str(ref))
        heard = [one for one in plain.notices if one.request_id == order_id]
        stage.note("codes about an order without tif", ", ".join(f"{one.code}: {one.text}" for one in heard) or "none")
        unknown = [one.code for one in heard if one.code not in INFORMATIVE]
        stage.check("alive", shown and not unknown, f"open as {shown or 'nothing'}; other codes: {unknown or 'none'}")
        plain.cancel(order_id)
        await trader.until_gone(str(ref))


async def what_if(stage: Stage) -> None:
    """D-27."""
    async with stage.trader() as trader, plain_session(stage.settings(1)) as plain:
        contract = await trader.contract(stage.symbol)
        before = await held(trader, contract)
        answer = await plain.what_if(contract, stage.account)
        for name, value in answer.items():
            stage.note(name, value)
        stage.check("answered", answer["initMarginChange"] not in {"", "0"}, answer["initMarginChange"])
        evidence = await trader.broker.evidence()
        ours = [report for report in evidence.open_orders if report.client_id == stage.settings(1).client_id]
        stage.check("nothing placed", not ours and await held(trader, contract) == before, f"{len(ours)} open orders")


async def how_long_shown(stage: Stage) -> None:
    """D-12."""
    async with _time(stage), stage.trader() as trader:
        contract = await open_contract(stage, trader)
        async with bought(trader, contract) as placed:
            pass
        resting = await trader.rest(contract)
        await trader.until_working(resting)
        await trader.cancel(resting)
        done = await until_completed(trader, resting)
        traded = executions_of(await trader.broker.evidence(), placed.ref)
        stage.check("shown", bool(done and traded), f"{len(done)} completed order, {len(traded)} executions")
        gone = {"completed order": "", "execution": ""}
        for _ in range(LOOKS_MAX):
            await _wait_a_quarter(stage)
            try:
                evidence = await trader.broker.evidence()
            except BrokerUnavailable:
                await trader.connect(600)
                continue
            at = await _now(stage)
            if not completed_of(evidence, resting.ref):
                gone["completed order"] = gone["completed order"] or at
            if not executions_of(evidence, placed.ref):
                gone["execution"] = gone["execution"] or at
            if all(gone.values()):
                break
        words = ", ".join(f"{what} gone by {at}" if at else f"{what} still shown" for what, at in gone.items())
        stage.check("gone", all(gone.values()), words)


async def open_contract(stage: Stage, trader: Trader) -> Contract:
    """The contract to trade; raises DrillSkipped while its market is closed."""
    contract = await trader.contract(stage.symbol)
    hours = next_open([contract], SystemClock().now())
    if not stage.place.simulated and not hours.open:
        raise DrillSkipped(f"the market is closed: {hours.reason}")
    return contract


@asynccontextmanager
async def bought(trader: Trader, contract: Contract) -> AsyncIterator[Placed]:
    """One share is bought, and sold again on the way out, whatever happened."""
    placed = await trader.buy(contract)
    try:
        await trader.until_filled(placed)
        yield placed
    finally:
        if trader.executions(placed):
            await trader.until_filled(await trader.buy(contract, Side.SELL))


async def held(trader: Trader, contract: Contract) -> Decimal:
    """How many shares the account has."""
    state = await trader.broker.account_state(trader.account, fresh=True)
    return next((p.quantity for p in state.positions if p.contract.con_id == contract.con_id), Decimal(0))


async def until_completed(trader: Trader, placed: Placed) -> list[OrderReport]:
    """Its reports among the completed orders, as soon as there is one; empty when there is none in time."""
    found = await trader.look(lambda seen: completed_of(seen, placed.ref), SHOWN_SECONDS)
    return found or []


async def _until_open(trader: Trader, ref: str) -> str:
    found = await trader.look(lambda seen: open_of(seen, ref), SHOWN_SECONDS)
    return ", ".join(report.status for report in found or ())


async def _position(trader: Trader, contract: Contract, wanted: Decimal) -> float | None:
    """After how many seconds the position was as wanted; None when it was not within ten."""
    began = trader.seconds
    while trader.seconds - began < SHOWN_SECONDS:
        if await held(trader, contract) == wanted:
            return trader.seconds - began
        await asyncio.sleep(0.1)
    return None


def _reports(trader: Trader, placed: Placed) -> str:
    words = []
    for report in trader.reports:
        if isinstance(report, OrderReport) and report.order_ref == placed.ref:
            words.append(str(report.status))
        elif isinstance(report, Execution) and report.order_ref == placed.ref:
            words.append("execution")
        elif isinstance(report, Commission):
            words.append("commission")
    return ", ".join(words)


def _refs(reports: list[OrderReport]) -> str:
    return ", ".join(report.order_ref for report in reports) or "none with it"


@asynccontextmanager
async def _time(stage: Stage) -> AsyncIterator[None]:
    """Lets the simulator's clock run with ours, where the card moves it; real time needs no help."""
    if not stage.place.simulated:
        yield
        return

    async def run() -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await stage.place.control("advance", seconds=TICK_SECONDS)

    ticking = asyncio.ensure_future(run())
    try:
        yield
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def _wait_a_quarter(stage: Stage) -> None:
    if stage.place.simulated:
        await stage.place.control("advance", seconds=LOOK_EVERY_SECONDS)
    else:
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _now(stage: Stage) -> str:
    at = SystemClock().now()
    if stage.place.simulated:
        at = datetime.fromtimestamp(float((await stage.place.control("status"))["time"]), UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC ({at.astimezone(NEW_YORK):%H:%M} New York)"
