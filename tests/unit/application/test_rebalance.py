"""What one event looks at before it plans, and what it makes of what it sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.contract import Contract, ContractQuery, TradingInterval
from event_processor.domain.facts import Fact, OrderDone, OrderSubmitted
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.policy import AccountRule, ForeignOrders, Limits, OnTimeout, TradingPolicy
from event_processor.domain.portfolio import Quote
from event_processor.domain.record import EventRecord, Outcome, Stage
from event_processor.errors import StoreUnavailable
from gateway_simulator.settings import AccountSettings, FaultSettings, Scenario
from tests.support.builders import event_text
from tests.support.memory_store import Moment
from tests.support.process import EPOCH, Process
from tests.support.records import accepted, closed, filled, planned, submitting
from tests.support.stories import ACCOUNT, WEIGHTS, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings()
HELD, RESTS = "JPM", "SPY"
OPENS = 120.0
AWHILE = (TradingInterval(EPOCH + timedelta(seconds=OPENS), EPOCH + timedelta(hours=6)),)
SMALL = event_text(account=ACCOUNT, targets=[{"symbol": "KO", "weight": 0.01}], completeness="partial")
NEVER_FILLS = FaultSettings("order", {"symbol": RESTS, "count": 1, "never_fill": True})
Prepare = Callable[[World, Process], None]


def _as_is(_: World, __: Process) -> None:
    """Nothing is prepared."""


def _told(
    event: str,
    prepare: Prepare = _as_is,
    *,
    scenario: Scenario | None = None,
    policy: TradingPolicy | None = None,
    armed: bool = True,
) -> tuple[World, EventRecord]:
    """The world after the event, and the record of what was published last, if anything was."""

    async def story() -> World:
        rule = AccountRule("growth", ACCOUNT, armed=armed, policy=policy or TradingPolicy())
        world = World(scenario or mixed(), rules=[rule], trading=TradingSettings(order_timeout=20.0))
        prepare(world, world.start())
        if event:
            world.publish(event)
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    return world, list(world.store.records.values())[-1]


@pytest.mark.parametrize(("allowed", "asked"), [("10", 10.0), ("300", SETTINGS.plan_age)])
def test_prices_are_as_young_as_the_limits_and_the_plan_ask_for(allowed: str, asked: float) -> None:
    """The stricter of both counts: a plan on older prices than it may have is thrown away again, or breaks a limit."""
    ages: list[float] = []

    def prepare(_: World, process: Process) -> None:
        ask = process.desk.broker.quotes

        async def quotes(contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
            ages.append(age_seconds_max)
            return await ask(contracts, age_seconds_max)

        process.desk.broker.quotes = quotes  # type: ignore[method-assign]

    policy = TradingPolicy(limits=Limits(quote_age_seconds_max=Decimal(allowed)))
    _, record = _told(mixed_event(), prepare, policy=policy)
    assert record.outcome is Outcome.COMPLETED
    assert ages == [asked]


def _market_of_a_holding_opens_later(_: World, process: Process) -> None:
    ask = process.desk.broker.describe

    async def describe(contracts: Sequence[Contract]) -> dict[ConId, Contract]:
        found = await ask(contracts)
        return {c.con_id: replace(c, liquid_hours=AWHILE) if c.symbol == HELD else c for c in found.values()}

    process.desk.broker.describe = describe  # type: ignore[method-assign]


def test_a_holding_is_sold_off_when_its_market_is_open() -> None:
    """Positions come without hours, so those are looked up: the event waits for the market of what it will sell."""
    sent: list[float] = []

    def prepare(world: World, process: Process) -> None:
        _market_of_a_holding_opens_later(world, process)
        world.on_fact = lambda _, fact: sent.extend([world.now] if isinstance(fact, OrderSubmitted) else [])

    targets = [{"symbol": "IBM" if s == HELD else s, "weight": weight} for s, weight in WEIGHTS.items()]
    _, record = _told(event_text(account=ACCOUNT, targets=targets, untargeted="liquidate"), prepare)
    assert record.outcome is Outcome.COMPLETED
    assert min(sent) >= OPENS


def test_a_dry_run_waits_for_no_market() -> None:
    """Somebody asks at night what the morning would bring."""

    def prepare(_: World, process: Process) -> None:
        ask = process.desk.broker.resolve

        async def resolve(queries: Sequence[ContractQuery]) -> dict[ContractQuery, Contract]:
            return {query: replace(found, liquid_hours=AWHILE) for query, found in (await ask(queries)).items()}

        process.desk.broker.resolve = resolve  # type: ignore[method-assign]

    targets = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
    _, record = _told(event_text(account=ACCOUNT, targets=targets, dry_run=True), prepare)
    assert (record.outcome, record.reason_code) == (Outcome.COMPLETED, "dry_run")
    assert record.closed_at is not None
    assert record.closed_at < EPOCH + timedelta(seconds=OPENS)


def test_a_dry_run_is_planned_beside_orders_by_hand() -> None:
    """It sends nothing that they could meet, and tells the plan before its end."""

    def prepare(world: World, _: Process) -> None:
        world.sim.actions.run("manual_order", {"symbol": RESTS, "side": "SELL", "quantity": "3", "limit": "9000"})

    targets = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
    world, record = _told(event_text(account=ACCOUNT, targets=targets, dry_run=True), prepare)
    assert (record.outcome, record.reason_code) == (Outcome.COMPLETED, "dry_run")
    assert [told["type"].split(".")[-2] for told in world.store.outcomes] == ["accepted", "planned", "completed"]


def test_an_account_that_was_disarmed_meanwhile_is_not_traded() -> None:
    """The event was accepted while it was armed; the owner's file of now decides."""

    def prepare(world: World, _: Process) -> None:
        targets = [{"symbol": "KO", "weight": 0.01}]
        left = accepted(account=AccountId(ACCOUNT), targets=targets, completeness="partial")
        world.store.records[left.key] = replace(left, revision=1)

    world, record = _told("", prepare, armed=False)
    assert (record.outcome, record.reason_code) == (Outcome.FAILED, "not_armed")
    assert not world.sim.ledger.of("order_received")


def test_who_ignores_orders_of_others_does_not_forget_its_own() -> None:
    """The store fell back to before the plan: orders of this very event at the broker are no others' orders."""

    def prepare(world: World, _: Process) -> None:
        def fall_back(process: Process, fact: Fact) -> None:
            if isinstance(fact, OrderDone) and not world.deaths and not process.killed:
                [record] = world.store.records.values()
                world.store.records[record.key] = replace(record, stage=Stage.ACCEPTED, plan=None, intents=())
                process.kill()

        world.on_fact = fall_back

    world, record = _told(mixed_event(), prepare, policy=TradingPolicy(foreign_orders=ForeignOrders.IGNORE))
    assert world.deaths == 1
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "journal_behind")
    assert len(world.sim.ledger.of("order_received")) == len(world.sim.ledger.orders_by_ref())


def _run_of(name: str, cash: int, seconds_ago: float, world: World) -> EventRecord:
    """A completed run of another process that found so much cash, and bought SPY for 5,997 and a dollar."""
    run = planned(accepted(name))
    assert run.plan is not None
    run = filled(submitting(replace(run, plan=replace(run.plan, cash=Decimal(cash)))))
    return replace(closed(run), closed_at=world.clock.now() - timedelta(seconds=seconds_ago))


def _planned_cash(prepare: Prepare, cash: int = 7000) -> Decimal:
    account = AccountSettings(number=ACCOUNT, cash={"USD": Decimal(cash)})
    _, record = _told(SMALL, prepare, scenario=Scenario(accounts=(account,)))
    assert record.plan is not None
    assert record.plan.made_at < EPOCH + timedelta(minutes=1)
    return record.plan.cash


def test_the_last_of_several_runs_says_what_cash_is_left() -> None:
    """What the one before it left has been spent since."""

    def prepare(world: World, _: Process) -> None:
        for run in (_run_of("first", 16_000, 20, world), _run_of("second", 10_002, 5, world)):
            world.store.records[run.key] = run

    assert _planned_cash(prepare) == Decimal(4004)


def test_the_last_run_is_recalled_once_the_store_can_tell_it() -> None:
    """A question that failed is asked again: without the answer the old cash would be spent a second time."""
    refused: list[str] = []

    def prepare(world: World, _: Process) -> None:
        run = _run_of("first", 10_002, 5, world)
        world.store.records[run.key] = run

        def strike(_: Process, call: str, moment: Moment) -> None:
            if (call, moment) == ("last_closed", "before") and not refused:
                refused.append(call)
                raise StoreUnavailable("gone for a moment")

        world.on_call = strike

    assert _planned_cash(prepare) == Decimal(4004)
    assert refused


def test_what_was_only_planned_leaves_no_cash_to_expect() -> None:
    """After a dry run the broker's figure counts, though less is there than the plan found."""

    def prepare(world: World, _: Process) -> None:
        dry = replace(closed(planned(accepted(dry_run=True))), intents=(), closed_at=world.clock.now())
        world.store.records[dry.key] = dry

    assert _planned_cash(prepare) == Decimal(7000)


@pytest.mark.parametrize("policy", OnTimeout)
def test_a_position_that_moved_without_a_fill_is_told(policy: OnTimeout) -> None:
    """Also beside an order that is left open, and where nothing of the event has filled."""
    other = "KO"

    def prepare(world: World, _: Process) -> None:
        def moved(_: Process, fact: Fact) -> None:
            if isinstance(fact, OrderDone) and fact.symbol == other:
                world.sim.actions.run("manual_order", {"symbol": other, "side": "BUY", "quantity": "3"})

        world.on_fact = moved

    targets = [{"symbol": symbol, "quantity": 2} for symbol in ("TLT", other)]
    faults = [FaultSettings("order", {"symbol": s, "count": 1, "never_fill": True}) for s in ("TLT", other)]
    scenario = mixed(*(faults if policy is OnTimeout.CANCEL else faults[:1]))
    event = event_text(account=ACCOUNT, targets=targets, completeness="partial")
    _, record = _told(event, prepare, scenario=scenario, policy=TradingPolicy(on_timeout=policy))
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "position_mismatch")


def test_each_plan_is_told_under_an_id_of_its_own() -> None:
    """A reader that knows what it has read already must not take a plan made anew for the first."""

    def prepare(world: World, process: Process) -> None:
        take_place, left = process.desk.broker.send_slot, [1]

        async def too_late() -> None:
            await take_place()
            if left and left.pop():
                world.sim.actions.run("drop", {})

        process.desk.broker.send_slot = too_late  # type: ignore[method-assign]

    world, record = _told(mixed_event(), prepare)
    assert record.outcome is Outcome.COMPLETED
    ids = [told["id"] for told in world.store.outcomes if ".planned." in told["type"]]
    assert len(set(ids)) == len(ids) == 2
