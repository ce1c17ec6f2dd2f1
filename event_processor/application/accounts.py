"""Which account an event means, and whether this processor may trade it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from event_processor.domain.ids import AccountId, is_account_number, is_paper_account
from event_processor.domain.policy import AccountRule, TradingPolicy
from event_processor.errors import EventRefused

TradingMode = Literal["paper", "live"]


class AccountRules:
    """The owner's rules for accounts, together with the trading mode.

    With no accounts file (`rules` is None) every paper account is tradable with the default policy, and no
    live one is.
    """

    def __init__(self, mode: TradingMode, rules: Sequence[AccountRule] | None) -> None:
        self._mode = mode
        self._closed = rules is not None
        self._by_name = {name: rule for rule in rules or () for name in (rule.alias, rule.account)}

    def find(self, name: str) -> AccountRule:
        """The rule for an alias or account number. Raises EventRefused when there is none."""
        rule = self._by_name.get(name)
        if rule is not None:
            return rule
        if not is_account_number(name):
            known = ", ".join(sorted({rule.alias for rule in self._by_name.values()})) or "none"
            raise EventRefused(
                f"data.account {name!r} is neither an account number nor an alias of the accounts file "
                f"(aliases: {known})",
                reason_code="account_unknown",
            )
        if self._closed:
            raise EventRefused(
                f"account {name} is not in the accounts file; add it there to trade it",
                reason_code="account_unknown",
            )
        return AccountRule(alias=name, account=name, armed=is_paper_account(AccountId(name)))

    def policy(self, account: AccountId) -> TradingPolicy:
        """The policy an account's running orders are finished by, even if it was taken out of the file since."""
        rule = self._by_name.get(account)
        return rule.policy if rule else TradingPolicy()

    def check(self, rule: AccountRule, *, dry_run: bool) -> None:
        """Raise EventRefused unless this account may be traded (or looked at, for a dry run) in this mode."""
        paper = is_paper_account(AccountId(rule.account))
        if self._mode == "paper" and not paper:
            raise EventRefused(
                f"TRADING_MODE=paper, but {rule.account} is not a paper account (those begin with D)",
                reason_code="trading_mode",
            )
        if self._mode == "live" and paper:
            raise EventRefused(f"TRADING_MODE=live, but {rule.account} is a paper account", reason_code="trading_mode")
        if not rule.armed and not dry_run:
            raise EventRefused(
                f"account {rule.alias} is not armed: it gets dry runs only. Set `armed: true` for it in the "
                "accounts file when you are ready",
                reason_code="not_armed",
            )
