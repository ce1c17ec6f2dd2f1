"""Our own book of what we traded, for as long as the broker's cash and positions lag behind it.

IBKR refreshes account values on a position change or about every three minutes (`tws-protocol`, fact 11,
unverified live: drill card D-11), so right after a run the reported cash may be that of before.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from event_processor.domain.execution import RunCash
from event_processor.domain.ids import AccountId, ExecId
from event_processor.domain.portfolio import AccountState
from event_processor.domain.reports import Execution, Report
from event_processor.errors import CashSettling
from event_processor.ports import Clock

_REFRESH_SECONDS = 200.0
_TOLERANCE = Decimal("0.0002")
"""Share of what was traded. A run that sold and bought for the same money leaves almost the cash it found."""
_UNFORESEEN = Decimal("0.01")
"""Share of what was traded: fees and exchange rates may leave so much less than our own count has."""
_CORRECTIONS_MAX = 100
_REMEMBERED_MAX = 20_000
"""Executions and runs; IBKR shows the executions of one day."""

_Id = TypeVar("_Id", bound=str)


@dataclass(slots=True)
class _Page:
    traded_at: float = float("-inf")
    verified_at: float = float("-inf")
    run: RunCash | None = None
    courses: list[tuple[float, RunCash]] = field(default_factory=list)


class Book:
    """Remembers, per account, when it last traded, and what its cash must be until the broker has said so too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages: dict[AccountId, _Page] = {}
        self._seen: dict[ExecId, None] = {}
        self._runs_sent: dict[str, None] = {}
        self._asked: dict[AccountId, int] = {}

    def note(self, report: Report) -> None:
        """Every report of the broker passes here; only executions matter. A trade that comes after the run
        was verified is not in the expected cash, so that is forgotten. One that restates another is: what the broker
        still says of before the run is further from the truth than what the correction changed."""
        if not isinstance(report, Execution) or report.exec_id in self._seen:
            return
        page, restated = self._page(report.account), _restates(report.exec_id, self._seen)
        _remember(self._seen, report.exec_id)
        page.traded_at = self._clock.monotonic()
        page.run = page.run if restated else None

    def sent(self, run: str) -> None:
        """An order of this run (the digest in its orderRef) left this process."""
        _remember(self._runs_sent, run)

    def has_sent(self, run: str) -> bool:
        """Whether this process ever sent an order of this run, whatever the journal says now."""
        return run in self._runs_sent

    def verified(
        self, account: AccountId, run: RunCash, seconds_ago: float = 0.0, executions: Iterable[ExecId] = ()
    ) -> None:
        """A run ended with its positions confirmed. Its executions are in the expected cash: that the broker shows
        them, later or again, is no news. When it ended, we know better than the journal, whose clock may have jumped,
        if we were there."""
        for exec_id in executions:
            _remember(self._seen, exec_id)
        page, now = self._page(account), self._clock.monotonic()
        at = next((ended for ended, one in page.courses if one == run), now - seconds_ago)
        others = [(ended, one) for ended, one in page.courses if one != run and now - ended < _REFRESH_SECONDS]
        page.verified_at, page.run, page.courses = at, run, [*others, (at, run)]

    def doubted(self, account: AccountId) -> None:
        """A run ended of which nobody knows what filled: no cash is expected any more, the broker's figure counts."""
        page = self._page(account)
        page.run, page.courses = None, []

    def knows_last_run(self, account: AccountId, token: int) -> bool:
        """Whether the journal was asked for the account's last run under this lease: before it, another process may
        have traded. Executions that the broker shows again at our start say nothing of the cash that run left."""
        return self._asked.get(account) == token

    def asked_journal(self, account: AccountId, token: int) -> None:
        """Whatever the journal knows of the last run is in this book now."""
        self._asked[account] = token

    def unconfirmed(self) -> tuple[AccountId, ...]:
        """Accounts whose cash at the broker has not been seen to be what it must be."""
        return tuple(account for account, page in self._pages.items() if page.run is not None)

    def confirm(self, state: AccountState) -> None:
        """Once the broker's cash was what it must be, it is up to date, and whatever it says next is news."""
        page = self._page(state.account)
        old = self._clock.monotonic() - page.verified_at >= _REFRESH_SECONDS
        if page.run is not None and (old or _agrees(state, page.run)):
            page.run, page.courses = None, []

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
        """The state with the cash we know to be there, while the broker's figure may still be one from the course of
        our last runs.

        A figure above that course has money in it that came in, and at least what it is above is there. One well
        below it lacks money that went out, and nobody can tell yet how much. Raises CashSettling then."""
        self.confirm(state)
        page = self._page(state.account)
        if page.run is None:
            return state
        lowest, highest = _bounds(page.courses)
        if state.cash < lowest - page.run.traded * _UNFORESEEN:
            raise CashSettling
        if state.cash < lowest:
            return state
        cash = page.run.left + max(Decimal(0), state.cash - highest)
        return replace(state, cash=cash, net_liquidation=state.net_liquidation + cash - state.cash)

    def _page(self, account: AccountId) -> _Page:
        return self._pages.setdefault(account, _Page())


def _remember(known: dict[_Id, None], one: _Id) -> None:
    """Add it; the oldest is forgotten first."""
    known[one] = None
    if len(known) > _REMEMBERED_MAX:
        del known[next(iter(known))]


def _bounds(courses: list[tuple[float, RunCash]]) -> tuple[Decimal, Decimal]:
    """The lowest and the highest figure that the broker may still show of these runs. Where one found more than the one
    before it left, so much came in, perhaps while that one ran: then it is no news a second time."""
    newest, *earlier = (run for _, run in sorted(courses, key=lambda course: course[0], reverse=True))
    lowest, highest, came_in, later = newest.lowest, newest.highest, Decimal(0), newest
    for run in earlier:
        came_in += max(Decimal(0), later.found - run.left)
        lowest, highest, later = min(lowest, run.lowest), max(highest, run.highest + came_in), run
    return lowest, highest


def _restates(exec_id: ExecId, seen: Container[ExecId]) -> bool:
    """Whether it corrects one that was seen: only the number after the last period is higher (TWS API, execId)."""
    stem, _, number = exec_id.rpartition(".")
    earlier = range(1, min(int(number), _CORRECTIONS_MAX)) if number.isdigit() else ()
    return any(f"{stem}.{one:0{len(number)}}" in seen for one in earlier)


def _agrees(state: AccountState, run: RunCash) -> bool:
    """Whether the figure can only be one of after the run: not when the cash that the run found was as good as this."""
    tolerance = run.traded * _TOLERANCE
    return abs(state.cash - run.left) <= tolerance < abs(run.found - run.left)
