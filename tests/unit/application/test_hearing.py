"""What one folding of reports does to the intents of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from event_processor.application import hearing
from event_processor.application.bell import Bell
from event_processor.application.hearing import Hearing
from event_processor.application.recovery import Doubts
from event_processor.application.run import Run
from event_processor.domain.fold import fold_commission
from event_processor.domain.ids import ExecId, OrderRef, PermId
from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.record import EventRecord
from event_processor.domain.reports import Commission, Execution, Report
from tests.support.builders import AT
from tests.support.making import CLIENT_ID, ORDER_ID, PERM, report
from tests.support.records import accepted, planned

ORDERS = 50


class Written(Run):
    """A run whose saves only count."""

    def __init__(self, record: EventRecord) -> None:
        self.record = record
        self.bell = Bell()
        self.saves = 0

    async def save(self, intents: Sequence[OrderIntent], *, sending: bool = False) -> None:
        self.record = replace(self.record, intents=tuple(intents))
        self.saves += 1


def working() -> EventRecord:
    """A record of many orders that are at the broker."""
    record = planned(accepted())
    leg = record.intents[0].leg
    intents = [
        OrderIntent(
            OrderRef.derive(record.key, record.account, number),
            replace(leg, number=number),
            leg.quantity,
            IntentState.WORKING,
            perm_id=PermId(number),
        )
        for number in range(1, ORDERS + 1)
    ]
    return replace(record, intents=tuple(intents))


def trade(intent: OrderIntent) -> tuple[Execution, Commission]:
    """The whole order executed, and what that cost: its number in cents."""
    number, leg = intent.leg.number, intent.leg
    execution = Execution(
        exec_id=ExecId(f"{number:04d}.01"),
        account=planned(accepted()).account,
        order_ref=str(intent.ref),
        perm_id=intent.perm_id,
        con_id=leg.contract.con_id,
        side=leg.side,
        quantity=intent.quantity,
        price=Decimal(100),
        at=AT + timedelta(seconds=number),
    )
    return execution, Commission(execution.exec_id, Decimal(number) / 100, "USD")


@pytest.mark.parametrize("order", ["each after its execution", "all after all executions", "all first", "next folding"])
async def test_each_commission_is_looked_for_in_its_own_order_only(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """Whenever commissions come, each ends up on its fill, and none is tried on the other orders."""
    looks: list[str] = []

    def counted(intent: OrderIntent, commission: Commission) -> OrderIntent:
        looks.append(str(intent.ref))
        return fold_commission(intent, commission)

    monkeypatch.setattr(hearing, "fold_commission", counted)
    run = Written(working())
    heard = Hearing(run, cast("Doubts", None))
    pairs = [trade(intent) for intent in run.intents]
    executions: list[Report] = [execution for execution, _ in pairs]
    commissions: list[Report] = [commission for _, commission in pairs]
    reports: dict[str, list[list[Report]]] = {
        "each after its execution": [[report for pair in pairs for report in pair]],
        "all after all executions": [[*executions, *commissions]],
        "all first": [[*commissions, *executions]],
        "next folding": [executions, commissions],
    }
    for together in reports[order]:
        for one in together:
            heard.hear(one)
        await heard.fold()
    paid = [(i.leg.number, [fill.commission for fill in i.fills]) for i in run.intents]
    assert paid == [(number, [Decimal(number) / 100]) for number in range(1, ORDERS + 1)]
    assert len(looks) == ORDERS
    assert run.saves == len(reports[order])


async def test_nothing_heard_is_nothing_written() -> None:
    """A turn without reports asks nothing of the journal."""
    run = Written(working())
    await Hearing(run, cast("Doubts", None)).fold()
    assert run.saves == 0


async def test_a_stranger_s_commission_changes_nothing() -> None:
    """An execution that is not ours has a commission too."""
    run = Written(working())
    before = run.intents
    heard = Hearing(run, cast("Doubts", None))
    heard.hear(Commission(ExecId("ffff.01"), Decimal(1), "USD"))
    await heard.fold()
    assert run.intents == before


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({"client_id": CLIENT_ID}, True),
        ({"client_id": CLIENT_ID + 1}, False),
        ({"client_id": CLIENT_ID, "order_id": ORDER_ID + 1}, False),
        ({"client_id": CLIENT_ID, "order_ref": "by hand"}, False),
        ({"client_id": CLIENT_ID, "order_ref": "RB"}, True),
    ],
    ids=["ours", "another client", "another order", "another reference", "what is left of ours"],
)
async def test_an_order_id_means_an_order_of_its_client_only(changes: dict[str, Any], ours: bool) -> None:
    """Every client counts its order ids from one: without a reference, id and client together name an order; and a
    reference that is there decides."""
    record = planned(accepted())
    first = replace(record.intents[0].to(IntentState.SUBMITTING), order_id=ORDER_ID, client_id=CLIENT_ID, sent=1)
    run = Written(replace(record, intents=(first,)))
    heard = Hearing(run, cast("Doubts", None))
    heard.hear(replace(report(of=first, order_ref="", perm_id=PermId(0)), **changes))
    await heard.fold()
    assert (run.intents[0].state is IntentState.WORKING) is ours


async def test_a_permid_names_an_order_without_a_reference() -> None:
    """What a look-up shows of an order that another client placed may have nothing else."""
    record = planned(accepted())
    first = replace(record.intents[0].to(IntentState.SUBMITTING).to(IntentState.UNKNOWN), perm_id=PERM, sent=1)
    run = Written(replace(record, intents=(first,)))
    heard = Hearing(run, cast("Doubts", None))
    heard.hear(report(of=first, order_ref="", order_id=0, client_id=0))
    await heard.fold()
    assert run.intents[0].state is IntentState.WORKING


async def test_a_name_told_a_moment_before_is_known() -> None:
    """The first report of a new order brings its permId, and the next, heard with it, names it by that alone."""
    record = planned(accepted())
    first = replace(record.intents[0].to(IntentState.SUBMITTING), sent=1)
    run = Written(replace(record, intents=(first,)))
    heard = Hearing(run, cast("Doubts", None))
    heard.hear(report(of=first))
    heard.hear(report(OrderStatus.CANCELLED, of=first, order_ref="", order_id=0, client_id=0))
    await heard.fold()
    assert run.intents[0].state is IntentState.DONE
