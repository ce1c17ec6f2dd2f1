"""Our own book of what we traded, for as long as the broker's cash and positions lag behind it.

IBKR refreshes account values on a position change or about every three minutes (`tws-protocol`, fact 11,
unverified live: drill card D-11), so right after a run the reported cash may be that of before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from event_processor.domain.ids import AccountId, ExecId
from event_processor.domain.portfolio import AccountState
from event_processor.domain.reports import Execution, Report
from event_processor.ports import Clock

_REFRESH_SECONDS = 200.0
_TOLERANCE = Decimal("0.002")


@dataclass(slots=True)
class _Page:
    traded_at: float = float("-inf")
    verified_at: float = float("-inf")
    cash: Decimal | None = None
    moved: Decimal = Decimal(0)


class Book:
    """Remembers, per account, when it last traded and what its cash must be since our last verified run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages: dict[AccountId, _Page] = {}
        self._seen: set[ExecId] = set()

    def note(self, report: Report) -> None:
        """Every report of the broker passes here; only executions matter. A trade that comes after the run
        was verified is not in the expected cash, so that is forgotten."""
        if not isinstance(report, Execution) or report.exec_id in self._seen:
            return
        self._seen.add(report.exec_id)
        page = self._page(report.account)
        page.traded_at, page.cash = self._clock.monotonic(), None

    def verified(self, account: AccountId, cash: Decimal, moved: Decimal) -> None:
        """A run ended with its positions confirmed; `cash` is what must be left, `moved` the money traded."""
        page = self._page(account)
        page.verified_at, page.cash, page.moved = self._clock.monotonic(), cash, moved

    def unsettled_seconds(self, account: AccountId, settle: float) -> float:
        """How long to wait before positions may be read: 0 when they are confirmed or the trade is old."""
        page = self._page(account)
        if page.verified_at >= page.traded_at:
            return 0.0
        return max(0.0, page.traded_at + settle - self._clock.monotonic())

    def traded_within(self, account: AccountId, seconds: float) -> bool:
        """Whether an execution was heard of so recently."""
        return self._clock.monotonic() - self._page(account).traded_at < seconds

    def corrected(self, state: AccountState) -> AccountState:
        """The state with the cash we know to be true while the broker's figure may still be an old one."""
        page = self._page(state.account)
        recent = self._clock.monotonic() - page.verified_at < _REFRESH_SECONDS
        if page.cash is None or not recent or abs(state.cash - page.cash) <= page.moved * _TOLERANCE:
            return state
        return replace(state, cash=page.cash, net_liquidation=state.net_liquidation + page.cash - state.cash)

    def _page(self, account: AccountId) -> _Page:
        return self._pages.setdefault(account, _Page())
