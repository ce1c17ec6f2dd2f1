from __future__ import annotations

from decimal import Decimal

import pytest

from event_processor.application.accounts import AccountRules, TradingMode
from event_processor.domain.ids import AccountId
from event_processor.domain.policy import AccountRule, TradingPolicy
from event_processor.errors import Disposition, EventRefused

PAPER, LIVE = "DU1234567", "U1234567"
CAREFUL = TradingPolicy(cash_reserve=Decimal("0.1"))
RULES = [
    AccountRule("growth", PAPER, armed=True, policy=CAREFUL),
    AccountRule("income", LIVE, armed=False),
    AccountRule("pension", "U7654321", armed=True),
]


@pytest.mark.parametrize("name", ["growth", PAPER])
def test_an_account_is_found_by_alias_and_by_number(name: str) -> None:
    """Both names of an account lead to the one rule."""
    assert AccountRules("paper", RULES).find(name) is RULES[0]


@pytest.mark.parametrize(
    ("rules", "name", "words"),
    [
        (RULES, "growht", "aliases: growth, income, pension"),
        (None, "growth", "aliases: none"),
        (RULES, "DU9999999", "not in the accounts file"),
        ([], "DU9999999", "not in the accounts file"),
        (RULES, "", "neither"),
    ],
)
def test_an_unknown_account_is_refused_with_what_is_known(
    rules: list[AccountRule] | None, name: str, words: str
) -> None:
    """A misspelt alias, or a number that is not in the file, never trades anything."""
    with pytest.raises(EventRefused, match=words) as refusal:
        AccountRules("paper", rules).find(name)
    assert refusal.value.reason_code == "account_unknown"
    assert refusal.value.disposition is Disposition.REJECT


def test_without_a_file_paper_accounts_are_armed_and_live_ones_are_not() -> None:
    """The safe value is the default: nobody trades real money by leaving something out."""
    rules = AccountRules("live", None)
    assert rules.find(PAPER) == AccountRule(PAPER, PAPER, armed=True)
    live = rules.find(LIVE)
    assert live == AccountRule(LIVE, LIVE, armed=False)
    with pytest.raises(EventRefused, match="armed"):
        rules.check(live, dry_run=False)


@pytest.mark.parametrize(
    ("mode", "rule", "dry_run", "code"),
    [
        ("paper", RULES[0], False, None),
        ("paper", RULES[0], True, None),
        ("paper", RULES[2], False, "trading_mode"),
        ("paper", RULES[2], True, "trading_mode"),
        ("live", RULES[0], False, "trading_mode"),
        ("live", RULES[0], True, "trading_mode"),
        ("live", RULES[1], False, "not_armed"),
        ("live", RULES[1], True, None),
        ("live", RULES[2], False, None),
    ],
)
def test_mode_and_arming_decide_together(mode: TradingMode, rule: AccountRule, dry_run: bool, code: str | None) -> None:
    """Every combination of mode, kind of account, arming and dry run: refused with its reason, or allowed."""
    rules = AccountRules(mode, RULES)
    if code is None:
        rules.check(rule, dry_run=dry_run)
        assert rules.find(rule.alias) is rule
    else:
        with pytest.raises(EventRefused) as refusal:
            rules.check(rule, dry_run=dry_run)
        assert refusal.value.reason_code == code


def test_running_orders_keep_a_policy_when_their_account_left_the_file() -> None:
    """What is out must be finished by some policy, and no refusal may come in between."""
    rules = AccountRules("paper", RULES)
    assert rules.policy(AccountId(PAPER)) is CAREFUL
    assert rules.policy(AccountId("DU9999999")) == TradingPolicy()


def test_running_orders_keep_their_policy_when_their_account_is_disarmed() -> None:
    """The owner stops what is new; what is out goes on as was agreed for it."""
    disarmed = [AccountRule("growth", PAPER, armed=False, policy=CAREFUL)]
    assert AccountRules("paper", disarmed).policy(AccountId(PAPER)) is CAREFUL
