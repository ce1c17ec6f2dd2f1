"""Quotes of the in-process broker: a line per contract, asked for once per connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from event_processor.domain.contract import Contract
from event_processor.domain.ids import ConId
from event_processor.domain.portfolio import Quote
from event_processor.errors import QuotesUnavailable
from event_processor.ports import Clock
from gateway_simulator.session import State
from gateway_simulator.simulator import Simulator
from tests.support.simulated_link import SimulatedLink, Surroundings


async def quotes(
    sim: Simulator, link: SimulatedLink, around: Surroundings, contracts: Sequence[Contract], clock: Clock
) -> Mapping[ConId, Quote]:
    """See `Broker.quotes`; a line that stands costs no message."""
    link.check()
    con_ids = {contract.con_id: contract.symbol for contract in contracts}
    refusals = await _open_lines(link, around, [con_id for con_id in con_ids if con_id not in link.lines])
    found: dict[ConId, Quote] = {}
    missing: dict[ConId, str] = {}
    for con_id in con_ids:
        seen = refusals.get(con_id) or (_seen(sim, con_id, clock) if con_id in link.lines else "no data came")
        if isinstance(seen, Quote):
            found[con_id] = seen
        else:
            missing[con_id] = seen
    if missing:
        competing = State.CONTENDED in missing.values()
        text = "; ".join(f"{con_ids[con_id]}: {why}" for con_id, why in missing.items())
        raise QuotesUnavailable(f"no usable price for {text}", reason_code="competing_data" if competing else "")
    return found


async def _open_lines(link: SimulatedLink, around: Surroundings, con_ids: Sequence[ConId]) -> Mapping[ConId, str]:
    """Ask for all, then wait for all together, a bounded time; which were refused, and why."""
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting, refusals = set(con_ids), dict[ConId, str]()

    def settle(con_id: ConId) -> None:
        waiting.discard(con_id)
        if not waiting and not answered.done():
            answered.set_result(None)

    def granted(con_id: ConId) -> Callable[[], None]:
        def answer() -> None:
            link.lines.add(con_id)
            settle(con_id)

        return answer

    def refused(con_id: ConId) -> Callable[[int, str], None]:
        def refuse(code: int, text: str) -> None:
            refusals[con_id] = f"{code}: {text}"
            settle(con_id)

        return refuse

    for con_id in con_ids:
        await around.pacer.slot()
        link.check()
        link.request("mkt_data", granted(con_id), refused(con_id))
    if con_ids:
        await link.happens(answered, around.settings.quote_timeout_seconds)
    return refusals


def _seen(sim: Simulator, con_id: ConId, clock: Clock) -> Quote | str:
    """The market now, or why it cannot be seen."""
    if sim.session.state is State.CONTENDED:
        return State.CONTENDED
    if sim.data_permission != "live":
        return "no market data subscription"
    quote = sim.market.quote(sim.universe.by_con_id(con_id), sim.clock.now())
    if quote.bid is None or quote.ask is None:
        return "no current bid and ask"
    return Quote(con_id, clock.now(), quote.bid, quote.ask)
