"""When an order that rests is cancelled, by whom, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact, LeaseChanged, OrderCancelRequested
from event_processor.domain.ids import AccountId
from event_processor.domain.intent import Ending
from event_processor.domain.policy import AccountRule, OnTimeout, TradingPolicy
from event_processor.domain.record import EventRecord, Outcome
from gateway_simulator.desk import OrderDesk
from gateway_simulator.settings import FaultSettings, Scenario
from tests.support.builders import event_text
from tests.support.process import EPOCH, Process
from tests.support.settling import ACCOUNT
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings(order_timeout=20.0)
EXPIRES = 10.0
LATE = 8
AWAY = 3.0
TARGET = {"symbol": "SPY", "quantity": 2}


class Story:
    """One order that never fills. `asked` is when a cancel was sent, in seconds since the start."""

    def __init__(
        self,
        on_timeout: OnTimeout = OnTimeout.CANCEL,
        expires: float | None = None,
        fault: dict[str, object] | None = None,
    ) -> None:
        self._fault = fault or {"never_fill": True}
        self.asked: list[float] = []
        self._policy, self._expires = TradingPolicy(on_timeout=on_timeout), expires
        run_virtual(self._run())

    async def _run(self) -> None:
        rule = AccountRule(ACCOUNT, ACCOUNT, armed=True, policy=self._policy)
        self.world = World(Scenario(faults=(FaultSettings("order", self._fault),)), rules=[rule], trading=SETTINGS)
        self.world.on_fact = self.heard
        self.prepare(self.world.start())
        until = None if self._expires is None else (EPOCH + timedelta(seconds=self._expires)).isoformat()
        asks = {"targets": [TARGET], "completeness": "partial", "expires_at": until}
        self.world.publish(event_text(account=ACCOUNT, **asks))
        await self.world.settle()
        await self.world.close()

    def prepare(self, process: Process) -> None:
        """Before anything happens."""

    def heard(self, _: Process, fact: Fact) -> None:
        self.asked += [self.world.now] if isinstance(fact, OrderCancelRequested) else []

    @property
    def record(self) -> EventRecord:
        [record] = self.world.store.records.values()
        return record


@pytest.mark.parametrize("on_timeout", OnTimeout)
def test_with_its_event_an_order_ends_whatever_the_policy_says(on_timeout: OnTimeout) -> None:
    """Orders are left open when their time is up, not when their event has expired; and at that very moment."""
    story = Story(on_timeout, EXPIRES)
    assert (story.record.outcome, story.record.reason_code) == (Outcome.FAILED, "unfilled")
    assert len(story.asked) == 1
    assert EXPIRES <= story.asked[0] < EXPIRES + 0.5
    assert story.world.problems() == []


def test_a_cancel_is_given_time_to_be_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for again only when that time is over, and a look has shown the order still open."""
    monkeypatch.setattr(OrderDesk, "cancel", lambda *_: None)
    asked = Story().asked
    assert len(asked) == 3
    assert asked[0] >= SETTINGS.order_timeout
    assert min(asked[1] - asked[0], asked[2] - asked[1]) >= SETTINGS.cancel_timeout


def test_the_time_of_an_order_begins_when_the_broker_has_it() -> None:
    """What the acknowledgement took is not counted against it."""
    story = Story(fault={"never_fill": True, "delay_ms": LATE * 1000})
    assert len(story.asked) == 1
    assert story.asked[0] >= SETTINGS.order_timeout + LATE


class Robbed(Story):
    """The lease goes while the cancel waits for its place to send; another processor has it for a moment. `ours` is
    whether the account was ours at each cancel."""

    def __init__(self) -> None:
        self.ours: list[bool] = []
        self._held = False
        super().__init__()

    def prepare(self, process: Process) -> None:
        broker, leases = process.desk.broker, process.desk.leases
        take_place, robbed = broker.send_slot, False

        async def taken() -> None:
            nonlocal robbed
            await take_place()
            if self.world.now >= SETTINGS.order_timeout and not robbed:
                robbed = True
                store = self.world.store
                store.leases[ACCOUNT] = ("another", store.next_token(), self.world.now + AWAY)
                leases.drop(AccountId(ACCOUNT))

        broker.send_slot = taken  # type: ignore[method-assign]

    def heard(self, process: Process, fact: Fact) -> None:
        super().heard(process, fact)
        if isinstance(fact, LeaseChanged):
            self._held = fact.held
        elif isinstance(fact, OrderCancelRequested):
            self.ours.append(self._held)


def test_nobody_cancels_in_an_account_that_went_to_another() -> None:
    """Whoever has it now may have cancelled the order, or wait for it."""
    story = Robbed()
    assert story.ours == [True]
    assert story.record.outcome is Outcome.FAILED
    assert story.world.problems() == []


@pytest.mark.parametrize("on_timeout", OnTimeout)
def test_an_order_s_time_is_its_own(on_timeout: OnTimeout) -> None:
    """One that came to the broker later is neither cancelled nor left open with the first, and fills."""
    rests = FaultSettings("order", {"symbol": "SPY", "count": 1, "never_fill": True})
    late = FaultSettings("order", {"symbol": "TLT", "count": 1, "delay_ms": LATE * 1000, "fill_delay_ms": 19_000})
    records: list[EventRecord] = []
    cancelled: list[str] = []

    async def story() -> None:
        rule = AccountRule(ACCOUNT, ACCOUNT, armed=True, policy=TradingPolicy(on_timeout=on_timeout))
        world = World(Scenario(faults=(rests, late)), rules=[rule], trading=SETTINGS)
        world.on_fact = lambda _, fact: cancelled.extend(
            [fact.symbol] if isinstance(fact, OrderCancelRequested) else []
        )
        world.start()
        targets = [TARGET, {"symbol": "TLT", "quantity": 2}]
        world.publish(event_text(account=ACCOUNT, targets=targets, completeness="partial"))
        await world.settle()
        await world.close()
        assert world.problems() == []
        records.extend(world.store.records.values())

    run_virtual(story())
    [record] = records
    endings = {intent.leg.contract.symbol: intent.ending for intent in record.intents}
    first = Ending.LEFT_OPEN if on_timeout is OnTimeout.LEAVE else Ending.CANCELLED
    assert endings == {"SPY": first, "TLT": Ending.FILLED}
    assert cancelled == (["SPY"] if first is Ending.CANCELLED else [])
