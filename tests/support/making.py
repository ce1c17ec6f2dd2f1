"""Short ways to say legs, intents, reports and evidence in tests; a clock and an observer for virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from event_processor.domain.facts import Fact
from event_processor.domain.ids import ConId, ExecId, OrderRef, PermId
from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus, OrderType, Side
from event_processor.domain.plan import Leg, Plan, PlanLine
from event_processor.domain.reconcile import Sight
from event_processor.domain.reports import Commission, Evidence, Execution, NoticeKind, OrderNotice, OrderReport
from tests.support.builders import ACCOUNT, AT, KEY, contract

PERM = PermId(700_001)
ORDER_ID = 11
CLIENT_ID = 17
F = TypeVar("F", bound=Fact)


class LoopClock:
    """`ports.Clock` on the running loop's time, which begins at `starts`."""

    def __init__(self, starts: datetime = AT) -> None:
        self._starts = starts

    def now(self) -> datetime:
        return self._starts + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class FactBook:
    """`ports.Observer` that keeps what it was told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def observe(self, fact: Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


def leg(number: int = 1, side: Side = Side.BUY, quantity: int = 100, **changes: Any) -> Leg:  # noqa: ANN401 - any field
    """A market order of the plan; a share costs 100 and the commission is 1 unless said otherwise."""
    made = Leg(
        number=number,
        contract=contract("SPY", con_id=1000 + number),
        side=side,
        quantity=Decimal(quantity),
        order_type=OrderType.MARKET,
        limit_price=None,
        unit_value=Decimal(100),
        commission=Decimal(1),
    )
    return replace(made, **changes)


def intent(state: IntentState = IntentState.RECORDED, of: Leg | None = None, **changes: Any) -> OrderIntent:  # noqa: ANN401 - any field
    """An intent as the executor would have it in this state; `acknowledged` ones come by perm_id=PERM."""
    made = of or leg()
    begun = OrderIntent(OrderRef.derive(KEY, ACCOUNT, made.number), made, made.quantity)
    if state is not IntentState.RECORDED:
        begun = replace(begun, state=state, sent=1, sent_at=AT, order_id=ORDER_ID, client_id=CLIENT_ID)
    return replace(begun, **changes)


def done(of: Leg | None = None, filled: int | None = None, ending: Ending | None = None) -> OrderIntent:
    """An intent that is over, with one execution of what it filled (all of it unless said otherwise)."""
    made = of or leg()
    quantity = made.quantity if filled is None else Decimal(filled)
    over = ending or (Ending.FILLED if quantity == made.quantity else Ending.CANCELLED)
    fills = (Fill(ExecId(f"e{made.number}.01"), quantity, made.unit_value, quantity),) if quantity else ()
    return intent(IntentState.DONE, made, ending=over, fills=fills, reported_filled=quantity, perm_id=PERM)


def report(
    status: OrderStatus = OrderStatus.SUBMITTED,
    of: OrderIntent | None = None,
    filled: int | None = None,
    **changes: Any,  # noqa: ANN401 - any field
) -> OrderReport:
    """The broker's word on the order of an intent, with orderRef and permId."""
    whose = of or intent()
    made = OrderReport(
        account=ACCOUNT,
        order_ref=str(whose.ref),
        status=status,
        perm_id=PERM,
        order_id=ORDER_ID,
        client_id=CLIENT_ID,
        con_id=whose.leg.contract.con_id,
        side=whose.leg.side,
        quantity=whose.quantity,
        filled=None if filled is None else Decimal(filled),
    )
    return replace(made, **changes)


def execution(
    quantity: int = 100,
    exec_id: str = "0001.01.01",
    of: OrderIntent | None = None,
    cumulative: int | None = None,
    **changes: Any,  # noqa: ANN401 - any field
) -> Execution:
    """One trade report of an intent, at 100 a share."""
    whose = of or intent()
    made = Execution(
        exec_id=ExecId(exec_id),
        account=ACCOUNT,
        order_ref=str(whose.ref),
        perm_id=PERM,
        con_id=whose.leg.contract.con_id,
        side=whose.leg.side,
        quantity=Decimal(quantity),
        price=Decimal(100),
        at=AT,
        cumulative=None if cumulative is None else Decimal(cumulative),
    )
    return replace(made, **changes)


def commission(exec_id: str = "0001.01.01", amount: str = "1.25", currency: str = "USD") -> Commission:
    """What an execution cost."""
    return Commission(ExecId(exec_id), Decimal(amount), currency)


def notice(kind: NoticeKind, code: int = 201, message: str = "so it is") -> OrderNotice:
    """An error code on the order of an intent."""
    return OrderNotice(str(intent().ref), ORDER_ID, code, message, kind)


def evidence(
    *,
    open_orders: Sequence[OrderReport] = (),
    completed: Sequence[OrderReport] = (),
    executions: Sequence[Execution] = (),
    commissions: Sequence[Commission] = (),
) -> Evidence:
    """What the broker shows of the login's orders; nothing unless said."""
    return Evidence(AT, tuple(open_orders), tuple(completed), tuple(executions), tuple(commissions))


def sight(
    *,
    open_orders: Sequence[OrderReport] = (),
    completed: Sequence[OrderReport] = (),
    executions: Sequence[Execution] = (),
    commissions: Sequence[Commission] = (),
    position: int | None = 0,
    held_before: int = 0,
    absence_counts: bool = True,
    history_covers: bool = True,
) -> Sight:
    """What the broker shows of one intent; nothing, and no position, unless said."""
    return Sight(
        open_orders=tuple(open_orders),
        completed=tuple(completed),
        executions=tuple(executions),
        commissions=tuple(commissions),
        position=None if position is None else Decimal(position),
        held_before=Decimal(held_before),
        absence_counts=absence_counts,
        history_covers=history_covers,
    )


def line(
    con_id: int, held: int, target: int, *, symbol: str = "SPY", price: str = "100", basis: int = 100_000
) -> PlanLine:
    """One contract of a plan."""
    share = Decimal(price) / basis
    return PlanLine(
        contract=contract(symbol, con_id=con_id),
        held=Decimal(held),
        ideal=Decimal(target),
        target=Decimal(target),
        price=Decimal(price),
        rate=Decimal(1),
        weight_before=held * share,
        weight_target=target * share,
        weight_after=target * share,
    )


def plan_of(
    legs: Sequence[Leg] = (),
    *,
    cash: str = "0",
    reserve: str = "0",
    slippage: str = "0",
    **changes: Any,  # noqa: ANN401 - any field
) -> Plan:
    """A plan with these legs and this much cash; its basis is 100000."""
    made = Plan(
        key=KEY,
        account=ACCOUNT,
        plan_id="plan-1",
        made_at=AT,
        base_currency="USD",
        net_liquidation=Decimal(100_000),
        kept=Decimal(0),
        basis=Decimal(100_000),
        cash=Decimal(cash),
        reserve=Decimal(reserve),
        slippage=Decimal(slippage),
        lines=(),
        legs=tuple(legs),
    )
    return replace(made, **changes)


def con_id(number: int) -> ConId:
    """The contract of the leg with this number."""
    return leg(number).contract.con_id


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """While the context lasts the work goes on; what it raises by itself is raised here."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
