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


@dataclass(frozen=True, slots=True)
class RunCash:
    """The cash of one run: what must be `left`, between which bounds it moved, what the broker `reported` when
    the run ended, how much money was traded. Base currency."""

    left: Decimal
    lowest: Decimal
    highest: Decimal
    reported: Decimal
    traded: Decimal


@dataclass(slots=True)
class _Page:
    traded_at: float = float("-inf")
    verified_at: float = float("-inf")
    run: RunCash | None = None


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
        page.traded_at, page.run = self._clock.monotonic(), None

    def verified(self, account: AccountId, run: RunCash) -> None:
        """A run ended with its positions confirmed."""
        page = self._page(account)
        page.verified_at, page.run = self._clock.monotonic(), run

    def unsettled_seconds(self, account: AccountId, settle: float) -> float:
        """How long to wait before positions may be read: 0 when they are confirmed or the trade is old."""
        page = self._page(account)
        if page.verified_at >= page.traded_at:
            return 0.0
        return max(0.0, page.traded_at + settle - self._clock.monotonic())

    def traded_within(self, account: AccountId, seconds: float) -> bool:
        """Whether an execution was heard of so recently."""
        return self._clock.monotonic() - self._page(account).traded_at < seconds

    def corrected(self, state: AccountState, settle: float) -> AccountState:
        """The state with the cash we know to be true while the broker's figure may still be an old one: one that
        has not changed since the run, or, just after it, one from the run's own course. Any other figure is
        news (a deposit, a dividend, a withdrawal) and counts."""
        page = self._page(state.account)
        run, since = page.run, self._clock.monotonic() - page.verified_at
        if run is None or since >= _REFRESH_SECONDS or abs(state.cash - run.left) <= run.traded * _TOLERANCE:
            return state
        of_the_run = since < settle and run.lowest <= state.cash <= run.highest
        if state.cash != run.reported and not of_the_run:
            return state
        return replace(state, cash=run.left, net_liquidation=state.net_liquidation + run.left - state.cash)

    def _page(self, account: AccountId) -> _Page:
        return self._pages.setdefault(account, _Page())
