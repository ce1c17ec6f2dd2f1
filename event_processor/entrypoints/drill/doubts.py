"""Cards about doubt: an order works, or has just been sent, when the connection or the process is gone."""

from __future__ import annotations

import asyncio
import signal
import sys

from event_processor.domain.ids import EventKey, OrderRef
from event_processor.domain.reports import Evidence
from event_processor.entrypoints.drill.card import DrillFailed
from event_processor.entrypoints.drill.stage import Stage
from event_processor.entrypoints.drill.trader import Trader, completed_of, executions_of, open_of

VISIBLE_SECONDS = 5.0
LOOK_SECONDS = 15.0
SENDER_SECONDS = 20.0


async def socket_cut(stage: Stage) -> None:
    """D-06."""
    async with stage.trader() as trader:
        placed = await trader.rest(await trader.contract(stage.symbol))
        await trader.until_working(placed)
        perm_id = trader.orders(placed)[-1].perm_id
        if stage.place.simulated:
            await stage.place.control("drop", client_id=stage.settings().client_id)
        else:
            await trader.broker.disconnect()
        stage.note("seconds until connected again", f"{await trader.connect():.3f}")
        evidence, seconds = await _until_shown(trader, placed.ref)
        found = open_of(evidence, placed.ref)
        stage.check("visible", seconds <= VISIBLE_SECONDS, f"after {seconds:.3f} s")
        stage.check("same", [one.perm_id for one in found] == [perm_id], [one.perm_id for one in found])
        await trader.cancel(placed)


async def killed_before_the_answer(stage: Stage) -> None:
    """D-07."""
    run = f"{stage.run}-{stage.card.number}-sender"
    ref = str(OrderRef.derive(EventKey(run), stage.account, 1))
    async with stage.trader(1) as other:
        limit = await other.resting_price(await other.contract(stage.symbol))
    place, client_id = stage.place, stage.settings().client_id
    words = [place.host, place.port, client_id, stage.account, stage.symbol, run, limit]
    code = await _send_and_die([str(word) for word in words])
    stage.check("died", code == -signal.SIGKILL, f"exit code {code}")
    async with stage.trader() as trader:
        evidence, seconds = await _until_shown(trader, ref)
        shown = [*open_of(evidence, ref), *completed_of(evidence, ref)]
        stage.note("shown as", ", ".join(f"{one.status}, permId {one.perm_id}" for one in shown))
        stage.check("visible", seconds <= VISIBLE_SECONDS, f"after {seconds:.3f} s")
        orders = {report.perm_id for report in shown} | {one.perm_id for one in executions_of(evidence, ref)}
        stage.check("once", len(orders) == 1, f"{len(orders)} permIds")
        for report in open_of(evidence, ref):
            await trader.ask_cancel(report.order_id)
        await trader.until_gone(ref)


async def _send_and_die(words: list[str]) -> int:
    module = "event_processor.entrypoints.drill.sender"
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *words)
    try:
        return await asyncio.wait_for(child.wait(), SENDER_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
        raise DrillFailed(f"the sending process did not end within {SENDER_SECONDS:g} s") from None


async def _until_shown(trader: Trader, ref: str) -> tuple[Evidence, float]:
    """The first evidence that shows the order, and after how many seconds."""
    began = trader.seconds

    def shows(seen: Evidence) -> Evidence | None:
        return seen if open_of(seen, ref) or completed_of(seen, ref) or executions_of(seen, ref) else None

    found = await trader.look(shows, LOOK_SECONDS)
    if found is None:
        raise DrillFailed(f"order {ref} was shown by no look-up within {LOOK_SECONDS:g} s: look for it by hand")
    return found, trader.seconds - began
