"""Cards about the session: what it tells at once, who may have it, and what interrupts it."""

from __future__ import annotations

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker
from event_processor.domain.ids import is_paper_account
from event_processor.domain.session import SessionEvent
from event_processor.entrypoints.drill.orders import until_completed
from event_processor.entrypoints.drill.stage import Stage
from event_processor.entrypoints.drill.trader import Trader, open_of
from event_processor.errors import GatewayDisconnected

READ_SECONDS = 10.0
FREE_SECONDS = 5.0
PERSON_SECONDS = 300.0
RESTART_WAIT_SECONDS = 25 * 3600.0
BACK_SECONDS = 600.0
DUPLICATE_ORDER_ID = 103


async def connect_and_read(stage: Stage) -> None:
    """D-26."""
    async with stage.trader() as trader:
        began = trader.seconds
        names = ", ".join(trader.accounts)
        stage.check("accounts", trader.accounts and all(map(is_paper_account, trader.accounts)), names)
        state = await trader.broker.account_state(stage.account)
        worth = f"{state.net_liquidation:f} {state.base_currency}, {len(state.positions)} positions"
        stage.check("values", state.net_liquidation > 0 and state.base_currency, worth)
        evidence = await trader.broker.evidence()
        counts = (len(evidence.open_orders), len(evidence.completed), len(evidence.executions))
        seconds = trader.seconds - began
        stage.check("orders", seconds <= READ_SECONDS, f"{counts} open, completed, executed, after {seconds:.3f} s")
        contract = await trader.contract(stage.symbol)
        hours = contract.liquid_hours or ()
        stage.check("contract", contract.min_tick > 0 and hours, f"step {contract.min_tick:f}, {len(hours)} intervals")


async def second_client(stage: Stage) -> None:
    """D-05."""
    async with stage.trader() as trader:
        newcomer = IbkrBroker(stage.settings(), SystemClock())
        try:
            await newcomer.connect()
        except GatewayDisconnected as error:
            stage.check("refused", error.reason_code == "client_id_in_use", error)
        else:
            stage.check("refused", ok=False, seen="connected")
        finally:
            await newcomer.disconnect()
        lost = trader.happened(SessionEvent.SOCKET_LOST)
        stage.check("undisturbed", not lost and await trader.broker.evidence(), "look-ups answered")
        await trader.broker.disconnect()
        seconds = await trader.connect()
        stage.check("free", seconds <= FREE_SECONDS, f"after {seconds:.3f} s")


async def owner_elsewhere(stage: Stage) -> None:
    """D-08."""
    async with stage.trader() as trader:
        placed = await trader.rest(await trader.contract(stage.symbol))
        await trader.until_working(placed)
        await _log_in_elsewhere(stage, trader)
        await trader.until(
            lambda: len(trader.happened(SessionEvent.LINK_LOST)) > 1, "1100 for a second time", PERSON_SECONDS
        )
        if not stage.place.simulated:
            stage.ask("1100 has come. Stay for a minute, then log out there again.")
        await trader.until(
            lambda: trader.happened(SessionEvent.LINK_RESTORED), "1101 or 1102 after the owner left", 2 * PERSON_SECONDS
        )
        codes = [one.code for one in trader.inputs if one.code]
        stage.check("told", codes.count(1100) > 1, ", ".join(map(str, codes)))
        stage.check("restored", codes[-1] in {1101, 1102}, codes[-1])
        lost = trader.happened(SessionEvent.SOCKET_LOST)
        stage.check("socket", not lost, "stayed open" if not lost else lost[0].detail)
        found = open_of(await trader.broker.evidence(), placed.ref)
        over = [] if found else await until_completed(trader, placed)
        stage.check("order", len(found) + len(over) == 1, "open" if found else f"completed: {len(over)}")
        if found:
            await trader.cancel(placed)


async def _log_in_elsewhere(stage: Stage, trader: Trader) -> None:
    if stage.place.simulated:
        await stage.place.control("compete", seconds=1.5, every=0.3, orders="hold")
        return
    stage.ask(
        "An order rests now. Log in with the same user name in TWS, the app or the trading page of the portal. "
        f"I wait {PERSON_SECONDS:g} s for 1100, and tell you when it has come."
    )
    await trader.until(lambda: trader.happened(SessionEvent.LINK_LOST), "1100 after a login elsewhere", PERSON_SECONDS)


async def nightly_restart(stage: Stage) -> None:
    """D-09."""
    async with stage.trader() as trader:
        contract = await trader.contract(stage.symbol)
        before = await trader.rest(contract)
        await trader.until_working(before)
        if stage.place.simulated:
            await stage.place.control("restart", seconds=1, ids_back=3)
        await trader.until(lambda: trader.happened(SessionEvent.SOCKET_LOST), "the restart", RESTART_WAIT_SECONDS)
        stage.check("closes", ok=True, seen=trader.happened(SessionEvent.SOCKET_LOST)[0].detail)
        seconds = await trader.connect(BACK_SECONDS)
        stage.check("back", ok=True, seen=f"after {seconds:.1f} s")
        after = await trader.rest(contract)
        await trader.until_working(after)
        codes = [notice.code for notice in trader.notices(after.order_id)]
        stage.note("order ids before and after", f"{before.order_id}, {after.order_id}")
        stage.check("ids", DUPLICATE_ORDER_ID not in codes, f"order id {after.order_id}, codes {codes or 'none'}")
        await trader.cancel(after)
        kept = open_of(await trader.broker.evidence(), before.ref)
        stage.note("the order from before", "still open" if kept else "no longer open")
        if kept:
            await trader.cancel(before)
