from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.application import book as book_module
from event_processor.application.book import Book
from event_processor.domain.execution import RunCash
from event_processor.domain.ids import AccountId, ExecId
from event_processor.domain.portfolio import AccountState
from event_processor.domain.record import Outcome
from event_processor.errors import CashSettling
from gateway_simulator.settings import AccountSettings, FaultSettings, Scenario
from tests.support.builders import ACCOUNT, event_text, snapshot
from tests.support.making import LoopClock, commission, execution, report
from tests.support.records import accepted, closed, filled, planned, submitting
from tests.support.stories import mixed
from tests.support.virtual_time import run_virtual
from tests.support.world import World

OTHER = AccountId("DU7654321")
SETTLE = 5.0
RUN = RunCash(left=Decimal(500), lowest=Decimal(400), highest=Decimal(10_600), traded=Decimal(10_000))


def state(cash: str) -> AccountState:
    return snapshot(cash=cash).state


def test_an_account_without_trades_is_settled() -> None:
    """Nothing of ours moved it, so positions and cash are what the broker says."""

    async def main() -> tuple[float, AccountState]:
        book = Book(LoopClock())
        book.note(report())
        book.note(commission())
        return book.unsettled_seconds(ACCOUNT, SETTLE), book.corrected(state("1000"))

    assert run_virtual(main()) == (0.0, state("1000"))


def test_positions_are_given_time_after_a_trade() -> None:
    """For so long after the last execution positions may be those of before; another account is not concerned."""

    async def main() -> list[float]:
        book = Book(LoopClock())
        book.note(execution())
        waits = [book.unsettled_seconds(ACCOUNT, SETTLE), book.unsettled_seconds(OTHER, SETTLE)]
        await asyncio.sleep(3)
        waits.append(book.unsettled_seconds(ACCOUNT, SETTLE))
        await asyncio.sleep(3)
        return [*waits, book.unsettled_seconds(ACCOUNT, SETTLE)]

    assert run_virtual(main()) == [5.0, 0.0, 2.0, 0.0]


def test_an_execution_told_again_starts_no_new_wait() -> None:
    """Look-ups repeat executions; only a new one is a trade."""

    async def main() -> float:
        book = Book(LoopClock())
        book.note(execution())
        await asyncio.sleep(4)
        book.note(execution())
        return book.unsettled_seconds(ACCOUNT, SETTLE)

    assert run_virtual(main()) == 1.0


def test_a_verified_run_needs_no_wait() -> None:
    """Positions confirmed after the trade are settled at once."""

    async def main() -> float:
        book = Book(LoopClock())
        book.note(execution())
        await asyncio.sleep(1)
        book.verified(ACCOUNT, RUN)
        return book.unsettled_seconds(ACCOUNT, SETTLE)

    assert run_virtual(main()) == 0.0


@pytest.mark.parametrize(
    ("after_seconds", "reported", "used"),
    [
        (1, "10500", "500"),
        (199, "10500", "500"),
        (200, "10500", "10500"),
        (1, "502", "502"),
        (1, "502.01", "500"),
        (6, "502.01", "500"),
        (1, "10601", "501"),
        (200, "10601", "10601"),
        (1, "399", "399"),
        (1, "300", "300"),
    ],
)
def test_cash_of_before_the_run_is_not_believed(after_seconds: float, reported: str, used: str) -> None:
    """Until the broker refreshes, its figure of the run's end, or just after it one of the run's course, is an old
    one; a small difference is commission, rounding or exchange rates. What it is above all that the run passed through
    came in meanwhile, and only so much is sure to be there still."""

    async def main() -> AccountState:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN)
        await asyncio.sleep(after_seconds)
        return book.corrected(state(reported))

    corrected = run_virtual(main())
    assert corrected.cash == Decimal(used)
    assert corrected.net_liquidation == Decimal(used) - Decimal(reported)


def test_a_run_of_our_own_is_as_old_as_we_know() -> None:
    """By the journal's clock, which was set forward since, it would be long over, and an old figure would count."""

    async def main() -> list[Decimal]:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN)
        await asyncio.sleep(10)
        book.verified(ACCOUNT, RUN, seconds_ago=3600)
        soon = book.corrected(state("10500")).cash
        await asyncio.sleep(190)
        return [soon, book.corrected(state("10500")).cash]

    assert run_virtual(main()) == [500, 10500]


def test_money_that_went_out_is_waited_for() -> None:
    """The figure may be one of before the buys: how much is left is not known until the broker has refreshed it."""

    async def main() -> AccountState:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN)
        for seconds in (199, 1):
            with pytest.raises(CashSettling):
                book.corrected(state("299"))
            await asyncio.sleep(seconds)
        return book.corrected(state("299"))

    assert run_virtual(main()).cash == 299


def test_a_trade_after_the_run_makes_our_figure_worthless() -> None:
    """Somebody or something traded on: what must be left is not known any more."""

    async def main() -> AccountState:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN)
        await asyncio.sleep(1)
        book.note(execution())
        return book.corrected(state("10500"))

    assert run_virtual(main()).cash == 10500


def test_accounts_have_pages_of_their_own() -> None:
    """What one account did says nothing of another."""

    async def main() -> AccountState:
        book = Book(LoopClock())
        book.verified(OTHER, RUN)
        return book.corrected(state("10500"))

    assert run_virtual(main()).cash == 10500


def test_once_confirmed_every_figure_counts() -> None:
    """The broker's cash was what it must be: whatever it says afterwards is a deposit or a withdrawal."""

    async def main() -> AccountState:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN)
        assert book.unconfirmed() == (ACCOUNT,)
        book.confirm(state("501"))
        assert book.unconfirmed() == ()
        return book.corrected(state("10500"))

    assert run_virtual(main()).cash == 10500


def test_a_late_figure_of_the_run_before_is_no_news() -> None:
    """Two runs within the broker's lag: the end of the first, told after the second, is still an old figure."""

    async def main() -> AccountState:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RunCash(Decimal(31_000), Decimal(0), Decimal(31_000), Decimal(31_000)))
        await asyncio.sleep(20)
        book.verified(ACCOUNT, RUN)
        return book.corrected(state("30000"))

    assert run_virtual(main()).cash == 500


def test_a_run_of_before_the_start_is_recalled() -> None:
    """What the journal tells of a run ages from when it ended. It is asked once under each lease, whatever executions
    the broker shows again at the start."""

    async def main() -> tuple[AccountState, AccountState]:
        book = Book(LoopClock())
        book.note(execution())
        assert not book.knows_last_run(ACCOUNT, 1)
        book.asked_journal(ACCOUNT, 1)
        assert book.knows_last_run(ACCOUNT, 1)
        assert not book.knows_last_run(ACCOUNT, 2)
        book.verified(ACCOUNT, RUN, 190)
        early = book.corrected(state("10500"))
        await asyncio.sleep(11)
        return early, book.corrected(state("10500"))

    early, late = run_virtual(main())
    assert (early.cash, late.cash) == (Decimal(500), Decimal(10500))


def test_a_book_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of runs and executions the latest are remembered, so that years of them take no memory."""
    monkeypatch.setattr(book_module, "_REMEMBERED_MAX", 3)

    async def main() -> list[str]:
        book = Book(LoopClock())
        for number in range(5):
            book.sent(f"run-{number}")
        return [run for run in (f"run-{number}" for number in range(5)) if book.has_sent(run)]

    assert run_virtual(main()) == ["run-2", "run-3", "run-4"]


def test_after_a_doubtful_run_the_broker_s_figure_counts() -> None:
    """What the run before must have left says nothing any more once a run ended of which nobody knows what filled."""

    async def main() -> list[Decimal]:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN)
        before = book.corrected(state("10000")).cash
        book.doubted(ACCOUNT)
        return [before, book.corrected(state("10000")).cash]

    assert run_virtual(main()) == [RUN.left, Decimal(10_000)]


def test_an_event_left_to_a_person_leaves_no_cash_expected() -> None:
    """Nothing was heard of its orders, so that the book of the run before would still stand."""

    async def story() -> list[tuple[AccountId, ...]]:
        world = World(mixed(FaultSettings("order", {"count": 100, "swallow": True})))
        book = world.start().desk.book
        book.verified(ACCOUNT, RunCash(*map(Decimal, (1, 1, 1, 1))))
        expected = [book.unconfirmed()]
        world.publish(event_text(account=ACCOUNT, targets=[{"symbol": "KO", "weight": 0.01}], completeness="partial"))
        await world.settle()
        expected.append(book.unconfirmed())
        await world.close()
        assert [record.outcome for record in world.store.records.values()] == [Outcome.NEEDS_REVIEW]
        return expected

    assert run_virtual(story()) == [(ACCOUNT,), ()]


@pytest.mark.parametrize(
    ("outcome", "ago", "cash"),
    [(Outcome.COMPLETED, 0, "4002"), (Outcome.COMPLETED, 200, "7000"), (Outcome.NEEDS_REVIEW, 0, "7000")],
)
def test_a_new_process_recalls_the_cash_of_the_last_run(outcome: Outcome, ago: int, cash: str) -> None:
    """The broker's figure may be one from the course of that run, unless it ended long ago; after a run of which nobody
    knows what it filled it is all there is."""

    async def story() -> Decimal:
        account = AccountSettings(number=ACCOUNT, cash={"USD": Decimal(7000)})
        world = World(Scenario(accounts=(account,)))
        last = filled(submitting(planned(accepted())))
        world.store.records[last.key] = replace(
            closed(last, outcome), closed_at=world.clock.now() - timedelta(seconds=ago)
        )
        world.start()
        world.publish(event_text(account=ACCOUNT, targets=[{"symbol": "KO", "weight": 0.01}], completeness="partial"))
        await world.settle()
        await world.close()
        plan = next(record.plan for record in world.store.records.values() if record.key != last.key)
        assert plan is not None
        return plan.cash

    assert run_virtual(story()) == Decimal(cash)


def test_executions_of_the_known_cash_are_no_news() -> None:
    """The broker shows the last run's executions again, or only now: what that run must have left still counts."""

    async def main() -> tuple[Decimal, Decimal]:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN, 5, [execution().exec_id])
        book.note(execution())
        known = book.corrected(state("10000")).cash
        book.note(replace(execution(), exec_id=ExecId("another")))
        return known, book.corrected(state("10000")).cash

    known, after_another = run_virtual(main())
    assert known == RUN.left
    assert after_another == Decimal(10000)


def test_a_correction_is_no_trade_of_its_own() -> None:
    """It changes a price a little: to believe the cash of before the run because of it would spend that again."""

    async def main() -> tuple[Decimal, float, Decimal]:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RUN, 5, [ExecId("0001.01.01")])
        book.note(execution(exec_id="0001.01.02", price=Decimal(101)))
        corrected = book.corrected(state("10000")).cash
        wait = book.unsettled_seconds(ACCOUNT, SETTLE)
        book.note(execution(exec_id="0002.01.02"))
        return corrected, wait, book.corrected(state("10000")).cash

    assert run_virtual(main()) == (RUN.left, SETTLE, Decimal(10000))


def test_the_cash_of_before_a_balanced_run_confirms_nothing() -> None:
    """It sold and bought for the same money, so the old figure looks like the new one; nor are the figures from between
    the two, which come after it, any news."""

    async def main() -> list[Decimal]:
        book = Book(LoopClock())
        book.verified(ACCOUNT, RunCash(Decimal(66), Decimal(-136_188), Decimal(136_284), Decimal(272_463)))
        return [book.corrected(state(cash)).cash for cash in ("30", "136281", "66", "136281")]

    assert run_virtual(main()) == [Decimal(66)] * 4
