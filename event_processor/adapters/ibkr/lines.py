"""One market data line: what was heard on it, and whether that is a price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from event_processor.adapters.ibkr import codes, translate
from event_processor.domain.contract import Contract
from event_processor.domain.portfolio import Quote

BID, ASK, LAST, LAST_TIME, HALTED = 1, 2, 4, 45, 49
_SAME_AS = {66: BID, 67: ASK, 68: LAST, 88: LAST_TIME}
"""Delayed ticks and the live ones they stand for (TWS API, "Available Tick Types")."""
_FROZEN_TYPES = frozenset({2, 4})
_DELAYED_TYPES = frozenset({3, 4})
"""Market data types: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""


@dataclass(slots=True)
class Line:
    """One contract's market data, from a standing subscription or a snapshot."""

    contract: Contract
    allow_delayed: bool
    standing_id: int = 0
    snapshot_id: int = 0
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    last_at: datetime | None = None
    at: datetime | None = None
    delayed: bool = False
    frozen: bool = False
    halted: bool = False
    code: int = 0
    ended: bool = False

    def ask_anew(self) -> None:
        """A new request was sent: nothing heard before counts."""
        self.bid = self.ask = self.last = None
        self.last_at = self.at = None
        self.delayed = self.frozen = self.halted = self.ended = False
        self.code = 0

    def hear_price(self, tick_type: int, price: float, at: datetime) -> None:
        """A price tick; anything but bid, ask and last says only that the line is alive."""
        self._alive(tick_type, at)
        value = translate.price(price)
        meant = _SAME_AS.get(tick_type, tick_type)
        if meant == BID:
            self.bid = value
        elif meant == ASK:
            self.ask = value
        elif meant == LAST:
            self.last = value

    def hear_other(self, tick_type: int, text: str, at: datetime) -> None:
        """A size, text or number tick."""
        self._alive(tick_type, at)
        if tick_type == HALTED:
            self.halted = text.strip("0.") not in ("", "-1")  # 0: not halted, -1: not known (TWS API, tick 49)
        elif _SAME_AS.get(tick_type, tick_type) == LAST_TIME and text.isdigit():
            self.last_at = datetime.fromtimestamp(int(text), UTC)

    def hear_type(self, data_type: int) -> None:
        """The gateway says what kind of data this is."""
        self.delayed = data_type in _DELAYED_TYPES
        self.frozen = data_type in _FROZEN_TYPES

    def hear_code(self, code: int) -> None:
        """An error or notice on this line."""
        if code in codes.DATA_REFUSALS or code in codes.DATA_NOTICES:
            self.code = code
            self.ended = self.ended or code in codes.DATA_REFUSALS
            if code in codes.DATA_REFUSALS:
                self.standing_id = self.snapshot_id = 0
            if code == codes.COMPETING_SESSION:
                self.bid = self.ask = self.last = None

    @property
    def answered(self) -> bool:
        """Whether waiting longer makes no sense."""
        both = self.bid is not None and self.ask is not None
        return both or self.ended or self.code == codes.COMPETING_SESSION

    def quote(self, now: datetime, age_seconds_max: float) -> Quote | None:
        """The quote, if what was heard is a price and fresh.

        Yesterday's close is none, nor is a last trade that is not known to be of the running session: IBKR
        sends the last one on subscribing, however old (tick 45 tells when it was).
        """
        if self.at is None or self.frozen or self.halted or (self.delayed and not self.allow_delayed):
            return None
        if now - self.at > timedelta(seconds=age_seconds_max):
            return None
        last = self.last if self._is_todays(self.last_at, now) else None
        if (self.bid is None or self.ask is None) and last is None:
            return None
        return Quote(self.contract.con_id, self.at, self.bid, self.ask, last, self.delayed)

    def why_not(self) -> str:
        """Why there is no quote, in words."""
        if self.code:
            return {**codes.DATA_REFUSALS, **codes.DATA_NOTICES}[self.code]
        if self.halted:
            return "trading is halted"
        if self.delayed and not self.allow_delayed:
            return "only delayed data"
        if self.at is None:
            return "no data came; the market may be closed or the data farm away"
        return "no current bid and ask, and no trade of this session; the market may be closed"

    def _alive(self, tick_type: int, at: datetime) -> None:
        self.at = at
        self.delayed = self.delayed or tick_type in _SAME_AS
        if self.code in codes.DATA_NOTICES:
            self.code = 0 if self.code == codes.COMPETING_SESSION else self.code

    def _is_todays(self, traded_at: datetime | None, now: datetime) -> bool:
        if traded_at is None or self.last is None:
            return False
        hours = self.contract.liquid_hours
        if hours is None:
            return traded_at.date() == now.date()
        return any(span.opens <= traded_at and span.opens <= now < span.closes for span in hours)
