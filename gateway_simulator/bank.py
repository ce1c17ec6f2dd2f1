"""All accounts of the login: booking fills, publishing them late, and valuing both versions.

What is published comes from IBKR: while the link is down nothing is, and what changed meanwhile follows
when it is back.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from .account_values import Valuation
from .accounts import Account, Books, Holding, Rates, Trade
from .clock import Action, Scheduler
from .events import AccountChanged, PositionChanged
from .ledger import Ledger
from .market import Market
from .model import Contract, Position
from .reporter import Reporter
from .settings import AccountSettings, Latency

ANNOUNCE_SECONDS = 0.25
"""Changes of an account's values are told at most this often."""


class Bank:
    """Accounts by number, with the ledger and the clients kept informed of every change."""

    def __init__(
        self,
        accounts: tuple[AccountSettings, ...],
        *,
        rates: Rates,
        market: Market,
        scheduler: Scheduler,
        ledger: Ledger,
        reporter: Reporter,
        latency: Latency,
    ) -> None:
        self.rates = rates
        self._market = market
        self._scheduler = scheduler
        self._ledger = ledger
        self._reporter = reporter
        self._latency = latency
        self._unannounced: set[str] = set()
        self._announced: dict[str, float] = {}
        self._waiting: list[Action] = []
        """What to publish when the link is back."""
        self.accounts: dict[str, Account] = {}
        for settings in accounts:
            self._open(settings)

    def _open(self, settings: AccountSettings) -> None:
        books = Books(cash=dict(settings.cash))
        for held in settings.holdings:
            listing = self._market.universe.by_symbol(held.symbol, held.currency, held.sec_type or "STK")
            con_id = listing.contract.con_id
            books.holdings[con_id] = Holding(listing.contract, held.quantity, held.average_cost)
        account = Account(
            settings.number, settings.base_currency, settings.margin, settings.fractional, books, books.copy()
        )
        self.accounts[settings.number] = account
        self.declare(account.number)

    def declare(self, number: str, gone: Iterable[Contract] = ()) -> None:
        """Write down what the account holds, as at the start of a run, and what it holds no more."""
        account = self.accounts[number]
        for currency, amount in sorted(account.books.cash.items()):
            self._ledger.write("cash", account=number, currency=currency, amount=amount)
        for position in [*account.positions(account.books), *map(account.position, gone)]:
            self._write_position(position)

    def book(self, number: str, trade: Trade) -> Decimal | None:
        """Book a fill and plan its publication; returns the realized profit, if any."""
        account = self.accounts[number]
        before = dict(account.books.cash)
        realized = account.book(trade)
        for currency, amount in sorted(account.books.cash.items()):
            if before.get(currency) != amount:
                self._ledger.write("cash", account=number, currency=currency, amount=amount)
        if trade.contract.sec_type != "CASH":
            position = account.position(trade.contract)
            self._write_position(position)
            self._soon(self._latency.positions_ms, lambda: self._publish_position(account, position))
        cash, profit = dict(account.books.cash), dict(account.books.realized)
        self._soon(self._latency.account_ms, lambda: self._publish_cash(account, cash, profit))
        return realized

    def adjust_cash(self, number: str, currency: str, amount: Decimal) -> None:
        """A deposit or (negative) withdrawal; raises KeyError for an unknown account."""
        account = self.accounts[number]
        account.books.cash[currency] = account.books.cash.get(currency, Decimal(0)) + amount
        self._ledger.write("cash", account=number, currency=currency, amount=account.books.cash[currency])
        cash, profit = dict(account.books.cash), dict(account.books.realized)
        self._soon(self._latency.account_ms, lambda: self._publish_cash(account, cash, profit))

    def link_restored(self) -> None:
        """Publish what changed while the link was down."""
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()

    def truth(self, number: str) -> Valuation:
        """The account as it is."""
        account = self.accounts[number]
        return Valuation(account, account.books, self.rates, self.price)

    def published(self, number: str) -> Valuation:
        """The account as clients see it."""
        account = self.accounts[number]
        return Valuation(account, account.published, self.rates, self.price)

    def price(self, con_id: int) -> Decimal:
        """The price at which positions are valued now."""
        return self._market.price(self._market.universe.by_con_id(con_id), self._scheduler.now())

    def positions(self, number: str) -> list[Position]:
        """The published positions of an account."""
        account = self.accounts[number]
        return account.positions(account.published)

    def _publish_position(self, account: Account, position: Position) -> None:
        account.publish_holding(position)
        self._reporter.broadcast(PositionChanged(position))

    def _publish_cash(self, account: Account, cash: dict[str, Decimal], realized: dict[str, Decimal]) -> None:
        account.publish_cash(cash, realized)
        if account.number not in self._unannounced:
            self._unannounced.add(account.number)
            due = self._announced.get(account.number, 0.0) + ANNOUNCE_SECONDS
            wait = max(0.0, due - self._scheduler.now())
            self._scheduler.after(wait, lambda: self._when_linked(lambda: self._announce(account.number)))

    def _announce(self, number: str) -> None:
        self._unannounced.discard(number)
        self._announced[number] = self._scheduler.now()
        self._reporter.broadcast(AccountChanged(number))

    def _soon(self, milliseconds: int, action: Action) -> None:
        if milliseconds:
            self._scheduler.after(milliseconds / 1000, lambda: self._when_linked(action))
        else:
            self._when_linked(action)

    def _when_linked(self, action: Action) -> None:
        if self._reporter.linked:
            action()
        else:
            self._waiting.append(action)

    def _write_position(self, position: Position) -> None:
        self._ledger.write(
            "position",
            account=position.account,
            conId=position.contract.con_id,
            symbol=position.contract.symbol,
            secType=position.contract.sec_type,
            currency=position.contract.currency,
            quantity=position.quantity,
            averageCost=position.average_cost.quantize(Decimal("0.0001")),
        )
