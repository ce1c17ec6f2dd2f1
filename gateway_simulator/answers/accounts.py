"""Accounts: values, portfolio, summaries, positions, profit and loss; once and as they change."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from gateway_simulator.account_values import account_values, summary_values
from gateway_simulator.answers.peer import Peer
from gateway_simulator.clock import Action, utc
from gateway_simulator.codec import account as codec
from gateway_simulator.codec import requests as ask
from gateway_simulator.events import AccountChanged, Event, PositionChanged
from gateway_simulator.model import ZERO, Position

REFRESH_SECONDS = 180.0
PROFIT_SECONDS = 1.0
SUMMARIES_MAX = 2


class AccountAnswers:
    """One client's account subscriptions."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._sim = peer.sim
        self._updates = ""
        """The account of `reqAccountUpdates`; a client can watch one."""
        self._turn = 0
        self._positions = False
        self._multi_updates: dict[int, str] = {}
        self._multi_positions: dict[int, str] = {}
        self._summaries: dict[int, str] = {}
        self._profits: dict[int, tuple[str, int]] = {}
        """Request id -> account and conId (0: the whole account)."""

    def changed(self, event: Event) -> None:
        """Pass on a change of published positions or values to the subscriptions it concerns."""
        match event:
            case PositionChanged(position):
                self._position_changed(position)
            case AccountChanged(account):
                self._account_changed(account)
            case _:
                pass

    def data_lost(self) -> None:
        """1101: IBKR says it of market data, users find their account subscriptions silent as well; all are gone."""
        self._turn += 1
        self._updates = ""
        self._positions = False
        for subscriptions in (self._multi_updates, self._multi_positions, self._summaries, self._profits):
            subscriptions.clear()

    def _position_changed(self, position: Position) -> None:
        if self._positions:
            self._peer.send(codec.position(position))
        for request_id, account in self._multi_positions.items():
            if account == position.account:
                self._peer.send(codec.position_multi(request_id, position))
        if position.account == self._updates:
            self._portfolio_line(position)

    def _account_changed(self, account: str) -> None:
        if account == self._updates:
            self._download(account)
        for request_id, watched in self._multi_updates.items():
            if watched == account:
                self._multi_values(request_id, account)
        for request_id, tags in self._summaries.items():
            self._summarize(request_id, tags, [account])

    # account updates

    def updates(self, request: ask.ReqAccountUpdates) -> None:
        self._turn += 1
        self._updates = ""
        if not request.subscribe:
            return
        account = self._resolve(request.account)
        if account is None:
            self._peer.error(-1, 321, _invalid_account(request.account))
            return
        self._updates = account
        self._download(account)
        self._repeat(REFRESH_SECONDS, self._turn)

    def _repeat(self, seconds: float, turn: int) -> None:
        def again() -> None:
            if turn == self._turn and not self._peer.closed:
                if self._sim.session.linked:
                    self._download(self._updates)
                self._repeat(seconds, turn)

        self._sim.scheduler.after(seconds, again)

    def _download(self, account: str) -> None:
        for value in account_values(self._sim.bank.published(account)):
            self._peer.send(codec.account_value(value.tag, value.text, value.currency, account))
        for position in self._sim.view().positions[account]:
            self._portfolio_line(position)
        self._peer.send(codec.account_update_time(f"{utc(self._sim.clock.now()):%H:%M}"))
        self._peer.send(codec.account_download_end(account))

    def _portfolio_line(self, position: Position) -> None:
        price, value = self._worth(position)
        unrealized = value - position.quantity * position.average_cost
        realized = self._sim.bank.accounts[position.account].published.realized.get(position.contract.currency, ZERO)
        self._peer.send(codec.portfolio_value(position, price, _cents(value), _cents(unrealized), _cents(realized)))

    def multi_updates(self, request: ask.ReqAccountUpdatesMulti) -> None:
        account = self._resolve(request.account)
        if account is None:
            self._peer.error(request.request_id, 321, _invalid_account(request.account))
            return
        self._multi_updates[request.request_id] = account
        self._multi_values(request.request_id, account)
        self._peer.send(codec.account_update_multi_end(request.request_id))

    def _multi_values(self, request_id: int, account: str) -> None:
        for value in account_values(self._sim.bank.published(account)):
            self._peer.send(codec.account_update_multi(request_id, account, value.tag, value.text, value.currency))

    def cancel_multi_updates(self, request: ask.CancelAccountUpdatesMulti) -> None:
        self._multi_updates.pop(request.request_id, None)

    # summary

    def summary(self, request: ask.ReqAccountSummary) -> None:
        if request.request_id not in self._summaries and len(self._summaries) >= SUMMARIES_MAX:
            text = "Error processing request.-'bZ' : cause - Maximum number of account summary requests exceeded"
            self._peer.error(request.request_id, 322, text)
            return
        self._summaries[request.request_id] = request.tags
        self._summarize(request.request_id, request.tags, self._sim.bank.accounts)
        self._peer.send(codec.account_summary_end(request.request_id))

    def _summarize(self, request_id: int, tags: str, accounts: Iterable[str]) -> None:
        for account in accounts:
            for value in summary_values(self._sim.bank.published(account), tags):
                self._peer.send(codec.account_summary(request_id, account, value.tag, value.text, value.currency))

    def cancel_summary(self, request: ask.CancelAccountSummary) -> None:
        self._summaries.pop(request.request_id, None)

    # positions

    def positions(self, _request: ask.ReqPositions) -> None:
        self._positions = True
        for held in self._sim.view().positions.values():
            for position in held:
                self._peer.send(codec.position(position))
        self._peer.send(codec.position_end())

    def cancel_positions(self, _request: ask.CancelPositions) -> None:
        self._positions = False

    def multi_positions(self, request: ask.ReqPositionsMulti) -> None:
        account = self._resolve(request.account)
        if account is None:
            self._peer.error(request.request_id, 321, _invalid_account(request.account))
            return
        self._multi_positions[request.request_id] = account
        for position in self._sim.view().positions[account]:
            self._peer.send(codec.position_multi(request.request_id, position))
        self._peer.send(codec.position_multi_end(request.request_id))

    def cancel_multi_positions(self, request: ask.CancelPositionsMulti) -> None:
        self._multi_positions.pop(request.request_id, None)

    # profit and loss

    def profit(self, request: ask.ReqPnL) -> None:
        self._start_profit(request.request_id, request.account, 0)

    def single_profit(self, request: ask.ReqPnLSingle) -> None:
        self._start_profit(request.request_id, request.account, request.con_id)

    def cancel_profit(self, request: ask.CancelPnL | ask.CancelPnLSingle) -> None:
        self._profits.pop(request.request_id, None)

    def _start_profit(self, request_id: int, name: str, con_id: int) -> None:
        account = self._resolve(name)
        if account is None:
            self._peer.error(request_id, 321, _invalid_account(name))
            return
        self._profits[request_id] = (account, con_id)
        self._repeat_profit(request_id, (account, con_id))

    def _repeat_profit(self, request_id: int, what: tuple[str, int]) -> None:
        if self._peer.closed or self._profits.get(request_id) != what:
            return
        if self._sim.session.linked:
            self._send_profit(request_id, *what)
        again: Action = lambda: self._repeat_profit(request_id, what)  # noqa: E731
        self._sim.scheduler.after(PROFIT_SECONDS, again)

    def _send_profit(self, request_id: int, account: str, con_id: int) -> None:
        view = self._sim.bank.published(account)
        if not con_id:
            unrealized, realized = view.total(view.unrealized), view.total(view.realized)
            self._peer.send(codec.pnl(request_id, unrealized + realized, unrealized, realized))
            return
        held = {position.contract.con_id: position for position in self._sim.view().positions[account]}
        position = held.get(con_id)
        if position is None:
            self._peer.send(codec.pnl_single(request_id, ZERO, daily=ZERO, unrealized=None, realized=None, value=ZERO))
            return
        _, value = self._worth(position)
        profit = value - position.quantity * position.average_cost
        self._peer.send(
            codec.pnl_single(request_id, position.quantity, daily=profit, unrealized=profit, realized=ZERO, value=value)
        )

    # shared

    def _resolve(self, name: str) -> str | None:
        """The account a client means; no name means the only one. None when there is no such account."""
        accounts = self._sim.bank.accounts
        if not name and len(accounts) == 1:
            return next(iter(accounts))
        return name if name in accounts else None

    def _worth(self, position: Position) -> tuple[Decimal, Decimal]:
        price = self._sim.bank.price(position.contract.con_id)
        return price, position.quantity * price * Decimal(position.contract.multiplier or 1)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _invalid_account(name: str) -> str:
    return f"Error validating request.-'bN' : cause - The account code {name!r} is invalid."
