from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from event_processor.domain.closing import conclude, summary
from event_processor.domain.ids import ExecId
from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.order import Side
from event_processor.domain.record import FINAL, Outcome
from tests.support.making import con_id, done, intent, leg, line, plan_of

SELL = leg(1, Side.SELL)
BUY = leg(2, Side.BUY)


def ended(ending: Ending, filled: int = 0) -> OrderIntent:
    return done(BUY, filled=filled, ending=ending)


@pytest.mark.parametrize(
    ("intents", "outcome", "code"),
    [
        ([], Outcome.NO_CHANGE, "in_band"),
        ([done(SELL), done(BUY)], Outcome.COMPLETED, "filled"),
        ([done(SELL), replace(done(leg(2, quantity=60)), leg=BUY)], Outcome.COMPLETED_ADJUSTED, "cash_short"),
        ([done(SELL), ended(Ending.SKIPPED)], Outcome.COMPLETED_ADJUSTED, "cash_short"),
        ([ended(Ending.CANCELLED)], Outcome.FAILED, "unfilled"),
        ([ended(Ending.CANCELLED, 40)], Outcome.PARTIAL, "unfilled"),
        ([done(SELL), ended(Ending.CANCELLED)], Outcome.PARTIAL, "unfilled"),
        ([ended(Ending.REFUSED)], Outcome.FAILED, "order_refused"),
        ([done(SELL), ended(Ending.REFUSED)], Outcome.PARTIAL, "order_refused"),
        ([ended(Ending.LEFT_OPEN)], Outcome.PARTIAL, "left_open"),
        ([ended(Ending.LEFT_OPEN), ended(Ending.CANCELLED)], Outcome.PARTIAL, "left_open"),
        ([ended(Ending.LEFT_OPEN), ended(Ending.REFUSED)], Outcome.PARTIAL, "order_refused"),
        ([done(SELL), ended(Ending.UNRESOLVED)], Outcome.NEEDS_REVIEW, "outcome_unknown"),
        ([ended(Ending.REFUSED), ended(Ending.UNRESOLVED, 40)], Outcome.NEEDS_REVIEW, "outcome_unknown"),
    ],
)
def test_every_way_to_end_has_its_outcome(intents: list[OrderIntent], outcome: Outcome, code: str) -> None:
    """The worst ending decides; what was filled decides between partial and failed."""
    conclusion = conclude(plan_of(), intents)
    assert (conclusion.outcome, conclusion.reason_code) == (outcome, code)
    assert conclusion.outcome in FINAL
    assert conclusion.reason.endswith(".")


@pytest.mark.parametrize(
    ("intents", "outcome"), [([], Outcome.NO_CHANGE), ([done(SELL), done(BUY)], Outcome.COMPLETED_ADJUSTED)]
)
def test_a_plan_that_the_cash_did_not_pay_for_says_so(intents: list[OrderIntent], outcome: Outcome) -> None:
    """Everything that was planned is done, but what was wanted needed more cash than there was."""
    conclusion = conclude(plan_of(adjusted=True), intents)
    assert (conclusion.outcome, conclusion.reason_code) == (outcome, "cash_short")
    assert conclusion.reason.endswith(".")


@pytest.mark.parametrize("ending", [Ending.FILLED, Ending.CANCELLED, Ending.LEFT_OPEN, Ending.UNRESOLVED])
def test_more_filled_than_ordered_is_for_a_person(ending: Ending) -> None:
    """Two orders where one was wanted explain the position perfectly; that must not pass as completed."""
    twice = tuple(Fill(ExecId(f"000{n}.01.01"), Decimal(100), Decimal(100)) for n in (1, 2))
    conclusion = conclude(plan_of(), [done(SELL), replace(done(BUY, ending=ending), fills=twice)])
    assert (conclusion.outcome, conclusion.reason_code) == (Outcome.NEEDS_REVIEW, "overfilled")
    assert "200 of 100" in conclusion.reason


def test_more_filled_than_a_trimmed_order_asked_for_is_for_a_person_too() -> None:
    """What was sent counts, not what the plan once wanted."""
    trimmed = replace(done(BUY, filled=60), quantity=Decimal(50))
    assert conclude(plan_of(), [trimmed]).reason_code == "overfilled"


def test_the_reason_names_each_order_that_fell_short_with_the_brokers_words() -> None:
    """People read what was filled of what, and why."""
    refused = replace(ended(Ending.REFUSED), note="201: no funds")
    assert (
        conclude(plan_of(), [done(SELL), refused]).reason == "Not filled as planned: BUY SPY 0 of 100 (201: no funds)."
    )


def test_a_long_list_is_cut() -> None:
    """Ten orders are named, the rest are counted."""
    reason = conclude(plan_of(), [ended(Ending.CANCELLED)] * 13).reason
    assert reason.count("BUY SPY") == 10
    assert reason.endswith("and 3 more.")


def test_the_summary_shows_weights_before_wanted_and_after() -> None:
    """Weights are shares of the basis at the plan's prices; the drift left is half their absolute difference."""
    sold, bought = line(con_id(1), 300, 200, symbol="SPY"), line(con_id(2), 0, 100, symbol="TLT")
    plan = plan_of([SELL, BUY], lines=(sold, bought), notes=("scaled",))
    told = summary(plan, [done(SELL), ended(Ending.CANCELLED, 40)])
    assert told["weights"] == {
        "SPY": {"before": "0.300000", "target": "0.200000", "after": "0.200000", "quantity": "200"},
        "TLT": {"before": "0.000000", "target": "0.100000", "after": "0.040000", "quantity": "40"},
    }
    assert told["residual_drift"] == "0.030000"
    assert (told["basis"], told["net_liquidation"], told["kept"]) == ("100000.00", "100000.00", "0.00")
    assert (told["plan_id"], told["base_currency"], told["notes"]) == ("plan-1", "USD", ["scaled"])


def test_equal_symbols_are_told_apart_by_contract() -> None:
    """One symbol on two markets is two lines."""
    plan = plan_of(lines=(line(1, 1, 1), line(2, 2, 2)))
    assert list(summary(plan, ())["weights"]) == ["SPY:1", "SPY:2"]


def test_the_summary_counts_commission_and_says_whether_it_is_all() -> None:
    """Known commissions count as they are, missing ones at their estimate, and that is said."""
    paid = done(SELL)
    paid = replace(
        paid, fills=tuple(replace(f, commission=Decimal("2.5"), commission_currency="USD") for f in paid.fills)
    )
    assert summary(plan_of(), [paid])["commission"] == "2.50"
    assert summary(plan_of(), [paid])["commission_complete"] is True
    told = summary(plan_of(), [paid, done(BUY)])
    assert (told["commission"], told["commission_complete"]) == ("3.50", False)


def test_the_summary_lists_every_order_as_it_ended() -> None:
    """Each order with its reference, what was planned and filled, and how it ended."""
    skipped = replace(ended(Ending.SKIPPED), note="its cash did not come in")
    waiting = intent(IntentState.RECORDED, SELL)
    over, open_one = summary(plan_of(), [skipped, waiting])["orders"]
    assert over == {
        "order_ref": str(skipped.ref),
        "perm_id": skipped.perm_id,
        "side": "BUY",
        "symbol": "SPY",
        "planned": "100",
        "filled": "0",
        "state": "done",
        "ending": "skipped",
        "note": "its cash did not come in",
    }
    assert (open_one["side"], open_one["state"], open_one["ending"]) == ("SELL", "recorded", None)
