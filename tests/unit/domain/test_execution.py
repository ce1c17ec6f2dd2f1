from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.execution import cash_free, commission_paid, money_traded, releases, run_cash
from event_processor.domain.fold import fold_commission, fold_execution, fold_order
from event_processor.domain.ids import ExecId
from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus, Side
from event_processor.domain.plan import Plan
from tests.support.making import commission, done, execution, intent, leg, plan_of, report

R, S, W, U, D = IntentState
SELL = leg(1, Side.SELL, 50)
BUY = leg(2, Side.BUY, 100)
SMALL = leg(3, Side.BUY, 10)


def released(plan: Plan, intents: Sequence[OrderIntent]) -> list[tuple[int, int]]:
    return [(release.intent.leg.number, int(release.quantity)) for release in releases(plan, intents)]


def bound(intents: Sequence[OrderIntent]) -> Decimal:
    """Base money that buys have spent or may still spend."""
    total = Decimal(0)
    for seen in (i for i in intents if i.leg.side is Side.BUY):
        still = seen.quantity - seen.filled if seen.state in {S, W, U} else Decimal(0)
        total += money_traded(seen) + commission_paid(seen)
        total += still * (seen.leg.unit_value + seen.leg.commission / seen.leg.quantity)
    return total


def test_sells_go_at_once_whatever_the_cash() -> None:
    """Sells need no cash; a buy without cash waits for them."""
    plan = plan_of([SELL, BUY])
    assert released(plan, [intent(of=SELL), intent(of=BUY)]) == [(1, 50)]


def test_buys_that_fit_do_not_wait_for_sells() -> None:
    """A buy the cash pays for already goes together with the sells, in the plan's order."""
    plan = plan_of([SELL, BUY, SMALL], cash="1001")
    assert released(plan, [intent(of=SELL), intent(of=BUY), intent(of=SMALL)]) == [(1, 50), (3, 10)]


@pytest.mark.parametrize("state", [S, W, U, D])
def test_nothing_is_released_twice(state: IntentState) -> None:
    """What may have left, works or is over is never among the releases."""
    ending = Ending.CANCELLED if state is D else None
    plan = plan_of([SELL, BUY], cash="100000")
    assert released(plan, [intent(state, SELL, ending=ending), intent(state, BUY, ending=ending)]) == []


def test_buys_are_trimmed_only_when_every_sell_is_over() -> None:
    """With a sell still out a buy waits for its cash; once all are over it takes what there is."""
    plan = plan_of([SELL, BUY])
    part = fold_execution(intent(W, SELL), execution(30, of=intent(of=SELL)))
    assert released(plan, [part, intent(of=BUY)]) == []
    over = fold_order(part, report(OrderStatus.CANCELLED, part, filled=30))
    assert released(plan, [over, intent(of=BUY)]) == [(2, 29)]


def test_a_sell_that_is_over_keeps_no_buy_waiting_for_its_details() -> None:
    """A missing execution report of a done sell counts at the plan's estimate; it must not block the buys."""
    plan = plan_of([SELL, BUY])
    guessed = replace(done(SELL, filled=30), reported_filled=Decimal(50))
    assert cash_free(plan, [guessed]) == 5000 - 1
    assert released(plan, [guessed, intent(of=BUY)]) == [(2, 49)]


def test_a_buy_that_will_never_fit_is_given_up() -> None:
    """With all sells over and no cash for a single share, the release says zero."""
    plan = plan_of([SELL, BUY])
    assert released(plan, [done(SELL, filled=0), intent(of=BUY)]) == [(2, 0)]
    assert released(plan_of([BUY], cash="-5000"), [intent(of=BUY)]) == [(2, 0)]


def test_a_buy_that_exactly_fits_goes_whole() -> None:
    """One cent less and it is trimmed by a share."""
    assert released(plan_of([BUY], cash="10001"), [intent(of=BUY)]) == [(2, 100)]
    assert released(plan_of([BUY], cash="10000.99"), [intent(of=BUY)]) == [(2, 99)]


def test_buys_share_the_cash_in_the_plans_order() -> None:
    """What the first takes the second does not have."""
    plan = plan_of([BUY, SMALL], cash="10300")
    assert released(plan, [intent(of=BUY), intent(of=SMALL)]) == [(2, 100), (3, 2)]
    just_enough, a_cent_less = plan_of([BUY, SMALL], cash="11002"), plan_of([BUY, SMALL], cash="11001.99")
    assert released(just_enough, [intent(of=BUY), intent(of=SMALL)]) == [(2, 100), (3, 10)]
    assert released(a_cent_less, [intent(of=BUY), intent(of=SMALL)]) == [(2, 100), (3, 9)]


def test_a_buy_that_costs_nothing_is_never_held_back() -> None:
    """A worthless contract takes no cash, so cash does not limit it."""
    free = replace(BUY, unit_value=Decimal(0), commission=Decimal(0))
    assert released(plan_of([free]), [intent(of=free)]) == [(2, 100)]


def test_cash_counts_reserve_and_slippage() -> None:
    """Free is the snapshot's cash less the reserve plus the slippage the plan allows."""
    assert cash_free(plan_of(cash="1000", reserve="300", slippage="50"), []) == 750


def test_slippage_comes_out_of_the_reserve_and_spares_only_whole_buys() -> None:
    """No more of it than the reserve holds is money that we have; and a buy that is trimmed all the same leaves the
    reserve alone."""
    assert cash_free(plan_of(cash="1000", reserve="30", slippage="50"), []) == 1000
    assert released(plan_of([BUY], cash="10400", reserve="500", slippage="200"), [intent(of=BUY)]) == [(2, 100)]
    assert released(plan_of([BUY], cash="5000", reserve="500", slippage="200"), [intent(of=BUY)]) == [(2, 44)]


def test_a_buy_that_only_the_reserve_pays_for_waits_for_the_sells() -> None:
    """Slippage may spare a buy from being trimmed at the end; while a sell is still to bring its money, the reserve is
    left alone."""
    plan = plan_of([SELL, BUY], cash="10400", reserve="500", slippage="200")
    assert released(plan, [intent(of=SELL), intent(of=BUY)]) == [(1, 50)]
    assert released(plan, [done(SELL, filled=0), intent(of=BUY)]) == [(2, 100)]


def test_open_buys_bind_what_they_may_still_cost() -> None:
    """A sent buy binds its whole estimate; what filled counts at its true price, the rest stays bound."""
    plan = plan_of([BUY], cash="20000")
    assert cash_free(plan, [intent(W, BUY)]) == 20000 - 10001
    part = fold_execution(intent(W, BUY), execution(40, of=intent(of=BUY), price=Decimal(90)))
    assert cash_free(plan, [part]) == 20000 - (3600 + Decimal("0.4")) - (6000 + Decimal("0.6"))


def test_a_buy_that_is_over_binds_nothing_more() -> None:
    """A cancelled buy gives back what it did not spend."""
    assert cash_free(plan_of([BUY], cash="20000"), [done(BUY, filled=0)]) == 20000


@pytest.mark.parametrize("ending", [Ending.LEFT_OPEN, Ending.UNRESOLVED])
def test_a_buy_that_may_fill_yet_goes_on_binding_its_cash(ending: Ending) -> None:
    """What is left open, or to a person, is over for us only: nobody else may spend its cash."""
    plan = plan_of([BUY], cash="20000")
    assert cash_free(plan, [done(BUY, filled=0, ending=ending)]) == 20000 - 10001


def test_sells_bring_cash_only_as_they_fill() -> None:
    """A working sell brings nothing; its executions bring their money less their commission."""
    plan = plan_of([SELL])
    assert cash_free(plan, [intent(W, SELL)]) == 0
    part = fold_execution(intent(W, SELL), execution(25, of=intent(of=SELL), price=Decimal(99)))
    assert cash_free(plan, [part]) == 25 * 99 - Decimal("0.5")


def test_shares_not_yet_detailed_count_at_their_estimate() -> None:
    """The broker says 50 filled and detailed 30: the other 20 are worth the plan's estimate."""
    seen = replace(done(SELL, filled=30), reported_filled=Decimal(50))
    assert money_traded(seen) == 30 * 100 + 20 * 100
    assert commission_paid(seen) == 1


@pytest.mark.parametrize(("currency", "paid"), [("EUR", Decimal("2.2")), ("USD", Decimal(2))])
def test_money_of_another_currency_is_counted_in_base(currency: str, paid: Decimal) -> None:
    """Prices, and commissions in the contract's currency, are turned into base money by the leg's rate."""
    euro = replace(BUY, contract=replace(BUY.contract, currency="EUR"), rate=Decimal("1.1"))
    seen = fold_execution(intent(W, euro), execution(100, of=intent(of=euro)))
    seen = fold_commission(seen, commission(amount="2", currency=currency))
    assert money_traded(seen) == 11000
    assert commission_paid(seen) == paid


def test_a_commission_of_nothing_is_no_missing_one() -> None:
    """Where a trade is free the estimate no longer counts."""
    seen = fold_execution(intent(W, BUY), execution(100, of=intent(of=BUY)))
    assert commission_paid(seen) == 1
    assert commission_paid(fold_commission(seen, commission(amount="0"))) == 0


def test_the_cash_of_a_run_stays_within_its_bounds() -> None:
    """Highest with all sold and nothing bought or paid, lowest with all bought and paid and nothing sold."""
    cash = run_cash(plan_of([SELL, BUY], cash="20000"), [done(SELL), done(BUY)])
    assert [cash.lowest, cash.left, cash.highest] == [20000 - 10002, 20000 + 5000 - 10002, 25000]
    assert [cash.traded, cash.found] == [15000, 20000]


# -- over generated runs -----------------------------------------------------------------------------------


@st.composite
def books(draw: st.DrawFn) -> tuple[Plan, list[OrderIntent]]:
    """A plan with some sells and buys, every one of them somewhere on its way."""
    legs = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        side = Side.SELL if number <= 2 and draw(st.booleans()) else Side.BUY
        price = draw(st.decimals("1", "500", places=2))
        legs.append(
            leg(
                number,
                side,
                draw(st.integers(1, 300)),
                unit_value=price,
                commission=draw(st.sampled_from([Decimal(1), Decimal("3.5")])),
            )
        )
    plan = plan_of(
        legs,
        cash=str(draw(st.integers(-5_000, 60_000))),
        reserve=str(draw(st.integers(0, 5_000))),
        slippage=str(draw(st.integers(0, 200))),
    )
    intents: list[OrderIntent] = []
    for made in legs:
        state = draw(st.sampled_from([R, R, S, W, U, D]))
        filled = draw(st.integers(0, int(made.quantity))) if state in {W, U, D} else 0
        if state is D:
            intents.append(done(made, filled))
            continue
        fills = (Fill(ExecId(f"x{made.number}.01"), Decimal(filled), made.unit_value),) if filled else ()
        intents.append(intent(state, made, fills=fills))
    return plan, intents


@given(books())
def test_releases_never_bind_more_than_there_is(book: tuple[Plan, list[OrderIntent]]) -> None:
    """After releasing, what buys spent and may spend stays within cash less reserve plus slippage plus proceeds,
    or nothing was released to a buy."""
    plan, intents = book
    given_out = {release.intent.leg.number: release.quantity for release in releases(plan, intents)}
    after = [
        replace(i, state=S, quantity=given_out[i.leg.number]) if given_out.get(i.leg.number) else i for i in intents
    ]
    proceeds = sum((money_traded(i) - commission_paid(i) for i in intents if i.leg.side is Side.SELL), Decimal(0))
    bought = any(given_out.get(i.leg.number) for i in intents if i.leg.side is Side.BUY)
    limit = plan.cash - plan.reserve + plan.slippage + proceeds
    assert not bought or bound(after) <= limit


@given(books())
def test_releases_are_recorded_intents_once_each_and_never_larger(book: tuple[Plan, list[OrderIntent]]) -> None:
    """Only what is recorded is released, at most once, with at most its quantity, whole shares, sells first."""
    plan, intents = book
    out = releases(plan, intents)
    numbers = [release.intent.leg.number for release in out]
    assert len(set(numbers)) == len(numbers)
    assert all(release.intent in intents and release.intent.state is R for release in out)
    assert all(0 <= release.quantity <= release.intent.quantity for release in out)
    assert all(release.quantity == release.quantity.to_integral_value() for release in out)
    sides = [release.intent.leg.side for release in out]
    assert sides == sorted(sides, key=[Side.SELL, Side.BUY].index)


@given(books())
def test_every_recorded_sell_is_released_whole(book: tuple[Plan, list[OrderIntent]]) -> None:
    """No sell ever waits and none is trimmed."""
    plan, intents = book
    out = {release.intent.leg.number: release.quantity for release in releases(plan, intents)}
    waiting = [i for i in intents if i.leg.side is Side.SELL and i.state is R]
    assert all(out.get(i.leg.number) == i.quantity for i in waiting)


@given(books(), st.data())
def test_beside_a_doubt_only_what_never_left_goes_and_whole(book: tuple[Plan, list[OrderIntent]], data: Any) -> None:  # noqa: ANN401 - hypothesis has no name for it
    """What was sent before waits until every doubt is settled, and so does what trades a doubtful contract; nothing is
    trimmed or given up for a doubt's sake, and the doubtful order counts as bought, never as sold."""
    plan, drawn = book
    again = data.draw(st.lists(st.booleans(), min_size=len(drawn), max_size=len(drawn)))
    intents = [replace(i, sent=1) if i.state is R and twice else i for i, twice in zip(drawn, again, strict=True)]
    twin = intent(U, leg(9, data.draw(st.sampled_from(Side)), 10, contract=intents[0].leg.contract))
    out = releases(plan, [*intents, twin])
    assert all(r.intent.sent == 0 and r.quantity == r.intent.quantity for r in out)
    assert all(r.intent.leg.contract.con_id != twin.leg.contract.con_id for r in out)
    spent = sum((r.quantity * r.intent.leg.unit_value for r in out if r.intent.leg.side is Side.BUY), Decimal(0))
    assert spent <= max(Decimal(0), cash_free(plan, [*intents, twin]))
    bought = bound([twin]) if twin.leg.side is Side.BUY else Decimal(0)
    assert abs(cash_free(plan, intents) - bought - cash_free(plan, [*intents, twin])) < Decimal("1e-9")


@given(books())
def test_trimming_needs_every_sell_over(book: tuple[Plan, list[OrderIntent]]) -> None:
    """Fewer shares than planned are released only when no sell can bring more cash."""
    plan, intents = book
    trimmed = any(release.quantity < release.intent.quantity for release in releases(plan, intents))
    assert not trimmed or all(i.state is D for i in intents if i.leg.side is Side.SELL)


@given(books())
def test_with_sells_over_every_buy_gets_an_answer(book: tuple[Plan, list[OrderIntent]]) -> None:
    """No buy waits for ever: when all sells are over, and no doubt is left, each recorded buy is released, trimmed or
    given up."""
    plan, intents = book
    settled = [done(i.leg) if i.leg.side is Side.SELL or i.state is U else i for i in intents]
    out = {release.intent.leg.number for release in releases(plan, settled)}
    assert {i.leg.number for i in settled if i.state is R} == out
