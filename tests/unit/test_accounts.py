from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from event_processor.accounts import load_accounts, parse_accounts
from event_processor.domain.policy import AccountRule, ForeignOrders, Limits, OnTimeout, OrderStyle, TradingPolicy
from event_processor.errors import ConfigurationError

EXAMPLE = Path(__file__).parents[2] / "accounts.example.yaml"


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_accounts(text)
    return str(caught.value)


def test_the_example_is_valid_and_shows_the_defaults() -> None:
    """What the example writes for its first account is exactly the default policy."""
    growth, income = load_accounts(EXAMPLE)
    assert growth == AccountRule("growth", "DU1234567", armed=True, policy=TradingPolicy())
    assert (income.armed, income.policy.cash_reserve) == (False, Decimal("0.02"))
    assert income.policy.order_style is OrderStyle.MARKETABLE_LIMIT
    assert income.policy.limits.turnover_max == Decimal("0.3")


def test_an_account_is_not_armed_unless_it_says_so() -> None:
    """The safe value is the default; an empty policy is the default policy."""
    (rule,) = parse_accounts("accounts:\n  a:\n    account: U1234567\n    policy:\n")
    assert rule == AccountRule("a", "U1234567", armed=False)


def test_all_mistakes_are_told_with_their_lines() -> None:
    """One message names line, field, value and rule of every mistake."""
    told = refusal(
        "accounts:\n"
        "  growth:\n"
        "    account: 12\n"
        "    armed: 'yes'\n"
        "    policy:\n"
        "      cash_reserve: 1.5\n"
        "      order_stile: market\n"
        "      limits: {max_orders: 0}\n"
        "  income: {account: U1, armed: true}\n"
    )
    assert "has 6 mistake(s)" in told
    for line in (
        "line 3: accounts.growth.account = 12: must be text",
        'line 4: accounts.growth.armed = "yes": must be true or false',
        "line 6: accounts.growth.policy.cash_reserve = 1.5: must be 1 or less",
        "line 7: accounts.growth.policy.order_stile is not a known field: did you mean order_style?",
        "line 8: accounts.growth.policy.limits.max_orders = 0: must be more than 0",
        'line 9: accounts.income.account = "U1": must be an IBKR account number',
    ):
        assert line in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "accounts is required"),
        ("accounts: {}", "accounts = {}: must not be empty"),
        ("- 1", "must be an object"),
        ("accounts: [", "is not YAML"),
        ("accounts: &a\n  x: *a\n", "is not YAML"),
        ("accounts:\n  a: {account: U1234567}\n  a: {account: U1234568}", "line 3: accounts.a must be given once"),
        ("accounts:\n  a: {account: U1234567}\n  b: {account: U1234567}", "must be unique: a has it too"),
        ("accounts:\n  U7654321: {account: U1234567}", "must not be named like another account"),
        ("accounts:\n  'a b': {account: U1234567}", "must match"),
        ("accounts:\n  a: {account: U1234567, policy: {trade_value_min: .inf}}", "must be a number"),
        ("accounts:\n  a: {account: U1234567, policy: {slippage_bps: '5'}}", "must be a number"),
    ],
)
def test_what_is_no_accounts_file_is_refused(text: str, words: str) -> None:
    """Whatever stands in the file, the answer is a refusal in words."""
    assert words in refusal(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message has the path and the cause."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be read"):
        load_accounts(tmp_path / "nowhere.yaml")


def test_shares_are_read_exactly() -> None:
    """0.1 in the file is one tenth."""
    (rule,) = parse_accounts("accounts: {a: {account: U1234567, policy: {cash_reserve: 0.1}}}")
    assert rule.policy.cash_reserve == Decimal("0.1")


def test_every_word_of_a_policy_arrives() -> None:
    """What the owner set is what the account is traded by, field by field, none of it the default."""
    text = """
accounts:
  growth:
    account: DU1234567
    policy:
      cash_reserve: 0.02
      order_style: marketable_limit
      limit_offset_bps: 11
      trade_value_min: 12
      slippage_bps: 13
      on_timeout: leave
      foreign_orders: ignore
      limits:
        max_order_value: 14
        max_orders: 15
        max_turnover: 0.16
        max_position_weight: 0.17
        max_quote_age_seconds: 18
"""
    [rule] = parse_accounts(text)
    assert not rule.armed
    assert rule.policy == TradingPolicy(
        cash_reserve=Decimal("0.02"),
        order_style=OrderStyle.MARKETABLE_LIMIT,
        limit_offset_bps=Decimal(11),
        trade_value_min=Decimal(12),
        slippage_bps=Decimal(13),
        on_timeout=OnTimeout.LEAVE,
        foreign_orders=ForeignOrders.IGNORE,
        limits=Limits(Decimal(14), 15, Decimal("0.16"), Decimal("0.17"), Decimal(18)),
    )


@pytest.mark.parametrize("name", ["limit_offset_bps", "slippage_bps"])
def test_a_tenth_is_the_most_a_price_may_be_passed_by(name: str) -> None:
    """A thousand basis points; somebody who writes more has mistaken the unit."""
    text = "accounts:\n  a:\n    account: U1234567\n    policy:\n      {}: {}\n"
    assert len(parse_accounts(text.format(name, 1000))) == 1
    assert f"{name} = 1001: must be 1000 or less" in refusal(text.format(name, 1001))
