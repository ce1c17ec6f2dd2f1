from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.domain.contract import Contract, ContractQuery, TradingInterval
from event_processor.domain.ids import ConId
from event_processor.domain.order import OrderType
from event_processor.domain.policy import OrderStyle, TradingPolicy
from event_processor.domain.portfolio import Position, Quote
from event_processor.domain.targets import Completeness, Measure, Mode, Target, TargetPortfolio, Untargeted
from event_processor.errors import ContractUnresolved, PlanError, QuotesUnavailable
from tests.support.builders import AT, cash_after, contract, orders, plan, quote, snapshot, target, weights

PRICES = {"SPY": "500", "TLT": "100", "GLD": "200"}


def test_cash_becomes_the_targets() -> None:
    """From cash alone, every line is bought to its weight in whole shares, costs out of the cash."""
    made = plan(weights(SPY="0.6", TLT="0.4"), snapshot(cash="100000", prices=PRICES))
    assert orders(made) == [("BUY", "SPY", 120), ("BUY", "TLT", 399)]
    assert 0 <= cash_after(made) < 200
    assert not made.adjusted
    assert [made.net_liquidation, made.basis, made.kept] == [100_000, 100_000, 0]


def test_holdings_are_netted_and_sold_first() -> None:
    """Only differences are traded, at market value: what was once paid (1.00 a share here) plays no part."""
    seen = snapshot(cash="0", holdings={"SPY": "120", "TLT": "400"}, prices=PRICES)
    made = plan(weights(SPY="0.4", TLT="0.6"), seen)
    assert orders(made) == [("SELL", "SPY", 40), ("BUY", "TLT", 199)]
    assert [line.weight_before for line in made.lines] == [Decimal("0.4"), Decimal("0.6")]


def test_only_what_is_to_be_traded_has_its_hours() -> None:
    """Market hours go with each order, where sending asks for them, and not with every line of the plan."""
    hours = (TradingInterval(AT, AT + timedelta(hours=6)),)
    known = {target.query: contract(target.query.symbol, liquid_hours=hours) for target in weights(SPY="1").targets}
    made = plan(weights(SPY="1"), snapshot(cash="100000", prices=PRICES), contracts=known)
    assert [leg.contract.liquid_hours for leg in made.legs] == [hours]
    assert [line.contract.liquid_hours for line in made.lines] == [None]


def test_a_line_within_one_share_is_left_alone() -> None:
    """Ideals of 119.12 and 404.4 are near enough to 119 and 404."""
    seen = snapshot(cash="100", holdings={"SPY": "119", "TLT": "404"}, prices=PRICES)
    assert orders(plan(weights(SPY="0.5956", TLT="0.4044"), seen)) == []


def test_a_fraction_of_a_share_too_much_is_left_alone() -> None:
    """Ideals of 119.2 and 403.2 are no reason to sell one of 120 or of 404, not even to pay a small debt."""
    seen = snapshot(cash="-50", holdings={"SPY": "120", "TLT": "404"}, prices=PRICES)
    assert orders(plan(weights(SPY="0.594", TLT="0.4018"), seen)) == []


def test_one_contract_held_in_two_pieces_is_one_holding() -> None:
    """Both count, in value and in what there is to sell."""
    pieces = [Position(contract("SPY"), Decimal(quantity)) for quantity in (70, 50)]
    seen = snapshot(cash="0", positions=pieces, quotes=[quote(756733, "500")])
    made = plan(TargetPortfolio((), untargeted=Untargeted.LIQUIDATE, reserve=Decimal(1)), seen)
    assert (made.net_liquidation, orders(made)) == (Decimal(60_000), [("SELL", "SPY", 120)])


def test_what_is_kept_is_not_part_of_the_basis() -> None:
    """With untargeted keep, weights are shares of the value less what is kept, and the plan says how much."""
    seen = snapshot(cash="60000", holdings={"GLD": "200"}, prices=PRICES, other_value="5000")
    made = plan(weights(SPY="0.5", TLT="0.5"), seen)
    assert [made.net_liquidation, made.kept, made.basis] == [105_000, 45_000, 60_000]
    assert orders(made) == [("BUY", "SPY", 60), ("BUY", "TLT", 299)]
    kept = next(line for line in made.lines if line.contract.symbol == "GLD")
    assert [kept.held, kept.ideal, kept.target] == [200, 200, 200]


def test_liquidate_sells_what_no_target_names() -> None:
    """Untargeted stocks go entirely; options stay and are named."""
    option = Contract(ConId(9), "SPY 260116C00600000", sec_type="OPT")
    positions = [Position(contract("GLD"), Decimal(200)), Position(option, Decimal(2))]
    seen = snapshot(cash="60000", positions=positions, quotes=[quote(756733, "500"), quote(51529211, "200")])
    portfolio = replace(weights(SPY="1"), untargeted=Untargeted.LIQUIDATE)
    made = plan(portfolio, seen)
    assert orders(made) == [("SELL", "GLD", 200), ("BUY", "SPY", 199)]
    assert any("SPY 260116C00600000" in note for note in made.notes)


def test_everything_can_go_to_cash() -> None:
    """No targets, liquidate and a reserve of one sell all."""
    portfolio = TargetPortfolio((), untargeted=Untargeted.LIQUIDATE, reserve=Decimal(1))
    seen = snapshot(holdings={"SPY": "10", "TLT": "5"}, prices=PRICES)
    assert orders(plan(portfolio, seen)) == [("SELL", "SPY", 10), ("SELL", "TLT", 5)]


def test_partial_targets_leave_the_rest() -> None:
    """A partial event is about what it names, in shares of all the account is worth."""
    portfolio = replace(weights(TLT="0.1"), completeness=Completeness.PARTIAL)
    seen = snapshot(cash="50000", holdings={"SPY": "100"}, prices=PRICES)
    made = plan(portfolio, seen)
    assert orders(made) == [("BUY", "TLT", 100)]
    assert made.basis == 100_000


def test_buys_shrink_to_the_cash_in_proportion() -> None:
    """When a partial event wants more than the cash pays, every buy gets its share, and what is left over from
    whole shares goes where it still buys one."""
    portfolio = replace(weights(TLT="0.4", GLD="0.4"), completeness=Completeness.PARTIAL)
    seen = snapshot(cash="10000", holdings={"SPY": "180"}, prices=PRICES)
    made = plan(portfolio, seen)
    assert orders(made) == [("BUY", "TLT", 51), ("BUY", "GLD", 24)]
    assert 0 <= cash_after(made) < 100
    assert any("fewer shares than wanted of TLT, GLD" in note for note in made.notes)
    assert made.adjusted


def test_the_larger_reserve_holds_and_weights_make_room() -> None:
    """The account's reserve of 10 % leaves 90 % for weights that sum to one, and the plan says so."""
    seen = snapshot(cash="100000", prices=PRICES)
    made = plan(weights(SPY="0.5", TLT="0.5"), seen, TradingPolicy(cash_reserve=Decimal("0.1")))
    assert orders(made) == [("BUY", "SPY", 90), ("BUY", "TLT", 449)]
    assert cash_after(made) >= made.reserve
    assert made.notes == ("all weights are scaled by 90.00%, so that 10.00% stay in cash as the account's policy asks",)


def test_quantities_and_money_are_targets_too() -> None:
    """Shares are taken as they are, whole; money is in the contract's currency and converted."""
    sap = ContractQuery(symbol="SAP", currency="EUR")
    portfolio = TargetPortfolio(
        (target("SPY", "10.7", Measure.QUANTITY), Target(sap, Measure.VALUE, Decimal(2000))),
        completeness=Completeness.PARTIAL,
    )
    seen = snapshot(cash="100000", quotes=[quote(756733, "500"), quote(14204, "200")], rates={"EUR": Decimal("1.25")})
    known = {portfolio.targets[0].query: contract("SPY"), sap: contract("SAP", currency="EUR")}
    made = plan(portfolio, seen, contracts=known)
    assert orders(made) == [("BUY", "SPY", 10), ("BUY", "SAP", 10)]
    assert [leg.unit_value for leg in made.legs] == [500, 250]
    assert made.notes == ("SPY: the quantity 10.7 is rounded down to 10 whole shares",)


def test_a_sale_abroad_brings_base_money() -> None:
    """What a share brings is its bid, converted."""
    sap = ContractQuery(symbol="SAP", currency="EUR")
    portfolio = TargetPortfolio((Target(sap, Measure.QUANTITY, Decimal(10)),), completeness=Completeness.PARTIAL)
    abroad = contract("SAP", currency="EUR")
    seen = snapshot(
        positions=[Position(abroad, Decimal(30))], quotes=[quote(14204, "200", "2")], rates={"EUR": Decimal("1.25")}
    )
    [leg] = plan(portfolio, seen, contracts={sap: abroad}).legs
    assert (leg.quantity, leg.unit_value, leg.rate) == (Decimal(20), Decimal("248.75"), Decimal("1.25"))


def test_a_short_position_is_bought_back() -> None:
    """Held short, wanted long: one buy covers and goes on."""
    seen = snapshot(cash="100000", holdings={"SPY": "-20"}, prices=PRICES)
    portfolio = TargetPortfolio((target("SPY", "5", Measure.QUANTITY),), completeness=Completeness.PARTIAL)
    assert orders(plan(portfolio, seen)) == [("BUY", "SPY", 25)]


def test_fractions_are_sold_down_to_less_than_a_share() -> None:
    """Fractional holdings lose their whole shares; the fraction stays, it cannot be sold here."""
    seen = snapshot(cash="0", holdings={"SPY": "10.75"}, prices=PRICES)
    portfolio = TargetPortfolio((), untargeted=Untargeted.LIQUIDATE, reserve=Decimal(1))
    made = plan(portfolio, seen)
    assert orders(made) == [("SELL", "SPY", 10)]
    assert made.lines[0].target == Decimal("0.75")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(Mode.BUY_ONLY, [("BUY", "SPY", 20)]), (Mode.SELL_ONLY, [("SELL", "TLT", 700)])],
)
def test_a_mode_drops_its_other_side(mode: Mode, expected: list[tuple[str, str, int]]) -> None:
    """buy_only spends the cash there is, sell_only buys nothing."""
    seen = snapshot(cash="10001", holdings={"TLT": "900"}, prices=PRICES)
    made = plan(replace(weights(SPY="0.8", TLT="0.2"), mode=mode), seen)
    assert [(side, symbol) for side, symbol, _ in orders(made)] == [(s, n) for s, n, _ in expected]
    assert abs(orders(made)[0][2] - expected[0][2]) <= 2


def test_small_orders_are_left_out_but_closing_ones_are_not() -> None:
    """An order below the policy's smallest is noted and dropped; selling a holding off is never small."""
    policy = TradingPolicy(trade_value_min=Decimal(1000))
    seen = snapshot(cash="900", holdings={"SPY": "100", "GLD": "2"}, prices=PRICES)
    portfolio = TargetPortfolio(
        (target("SPY", "101", Measure.QUANTITY), target("GLD", "0")), completeness=Completeness.PARTIAL
    )
    made = plan(portfolio, seen, policy)
    assert orders(made) == [("SELL", "GLD", 2)]
    assert "orders worth less than 1,000.00 USD are left out: SPY" in made.notes


def test_marketable_limits_reach_past_the_quote_on_the_step() -> None:
    """Buys are limited above the ask and reckoned at that limit, sells below the bid."""
    policy = TradingPolicy(order_style=OrderStyle.MARKETABLE_LIMIT, limit_offset_bps=Decimal(20))
    seen = snapshot(
        cash="50000",
        positions=[Position(contract("TLT"), Decimal(500))],
        quotes=[quote(756733, "500", "0.10"), quote(15547841, "100", "0.02")],
    )
    made = plan(weights(SPY="0.7", TLT="0.3"), seen, policy)
    sell, buy = made.legs
    assert (sell.order_type, sell.limit_price, sell.unit_value) == (OrderType.LIMIT, Decimal("99.80"), Decimal("99.99"))
    assert (buy.limit_price, buy.unit_value) == (Decimal("501.05"), Decimal("501.05"))
    assert made.slippage == Decimal("0.005") * buy.quantity * buy.unit_value


def test_prices_come_from_both_sides_of_the_market() -> None:
    """Holdings are valued at the middle; buys are reckoned at the ask."""
    seen = snapshot(cash="100000", quotes=[quote(756733, "500", "2")])
    leg = plan(weights(SPY="1"), seen).legs[0]
    assert (leg.order_type, leg.limit_price, leg.unit_value) == (OrderType.MARKET, None, Decimal(501))
    assert leg.quantity == 199


@pytest.mark.parametrize(
    ("portfolio", "changes", "error", "words"),
    [
        (weights(SPY="1"), {"prices": {}}, QuotesUnavailable, "no price for SPY"),
        (weights(SPY="1"), {"holdings": {"GLD": "1"}, "prices": {"SPY": "5"}}, QuotesUnavailable, "no price for GLD"),
        (weights(SPY="1"), {"quotes": [Quote(ConId(756733), AT, bid=Decimal(5))]}, QuotesUnavailable, "SPY"),
        (weights(SPY="1"), {"quotes": [quote(756733, "1", "2")]}, QuotesUnavailable, "SPY"),
        (weights(SPY="1"), {"cash": "-1"}, PlanError, "nothing to rebalance: net liquidation value -1.00 USD"),
        (
            weights(SPY="1"),
            {"cash": "0", "holdings": {"GLD": "1"}},
            PlanError,
            "of which 200.00 USD is kept, leaves 0.00 USD",
        ),
    ],
)
def test_what_cannot_be_planned_is_said_in_words(
    portfolio: TargetPortfolio, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    """Missing prices and an account without value end in an error that names them."""
    seen = snapshot(**{"cash": "100", "prices": PRICES, **changes})  # type: ignore[arg-type]
    with pytest.raises(error, match=words):
        plan(portfolio, seen)


def test_contracts_must_be_known_distinct_and_stock_like() -> None:
    """An unresolved, doubled or foreign kind of contract is refused by name."""
    seen = snapshot(cash="100", prices=PRICES)
    portfolio = weights(SPY="0.5", TLT="0.5")
    spy, tlt = (t.query for t in portfolio.targets)
    with pytest.raises(ContractUnresolved, match=r"no contract is known for TLT \(USD\)"):
        plan(portfolio, seen, contracts={spy: contract("SPY")})
    with pytest.raises(PlanError, match="are one contract, conId 756733"):
        plan(portfolio, seen, contracts={spy: contract("SPY"), tlt: contract("SPY")})
    with pytest.raises(PlanError, match="is of type OPT"):
        plan(portfolio, seen, contracts={spy: contract("SPY"), tlt: contract("TLT", sec_type="OPT")})


def test_one_contract_under_two_measures_is_refused_too() -> None:
    """Neither the weight nor the number of shares is dropped for the other."""
    twice = TargetPortfolio((target("SPY", "0.5"), target("TLT", "5", Measure.QUANTITY)))
    known = {each.query: contract("SPY") for each in twice.targets}
    with pytest.raises(PlanError, match="are one contract, conId 756733"):
        plan(twice, snapshot(cash="100", prices=PRICES), contracts=known)


def test_a_currency_without_a_rate_is_named() -> None:
    """No rate, no value: the message says which currency and what helps."""
    sap = ContractQuery(symbol="SAP", currency="EUR")
    portfolio = TargetPortfolio((Target(sap, Measure.WEIGHT, Decimal(1)),))
    seen = snapshot(cash="100", quotes=[quote(14204, "200")])
    with pytest.raises(PlanError, match="no exchange rate from EUR to USD"):
        plan(portfolio, seen, contracts={sap: contract("SAP", currency="EUR")})


def test_more_orders_than_an_event_can_have_are_refused() -> None:
    """An orderRef has three digits for the leg, so the thousandth order is refused rather than misnamed."""
    count = 1000
    contracts = {ContractQuery(symbol=f"S{i}"): Contract(ConId(i + 1), f"S{i}") for i in range(count)}
    targets = tuple(Target(query, Measure.QUANTITY, Decimal(5)) for query in contracts)
    seen = snapshot(cash="9000000", quotes=[quote(i + 1, "100") for i in range(count)])
    with pytest.raises(PlanError, match="the plan has 1000 orders"):
        plan(TargetPortfolio(targets), seen, contracts=contracts)


def test_the_same_snapshot_gives_the_same_plan_id_and_another_another() -> None:
    """The plan's id is a digest of what it says."""
    seen = snapshot(cash="100000", prices=PRICES)
    ids = [plan(weights(SPY="1"), s).plan_id for s in (seen, seen, snapshot(cash="100001", prices=PRICES))]
    assert ids[0] == ids[1] != ids[2]
