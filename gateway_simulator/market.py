"""Prices: a quote for every contract at every instant, a pure function of seed, time and what was set."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from .hours import Hours
from .universe import Listing, Universe, increment_at

SLOW_SECONDS = 397
FAST_SECONDS = 61
SPREAD_SHARE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Quote:
    """What the market shows now, before and after regular hours as well. A closed or halted market has no bid and
    no ask (None)."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal
    close: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    bid_size: int
    ask_size: int
    volume: int
    halted: bool


class Market:
    """Prices stand still unless `wander_bps` is set; then each swings around its base by that much."""

    def __init__(self, universe: Universe, hours: Hours, *, seed: int, start: float, wander_bps: int = 0) -> None:
        self.universe = universe
        self.hours = hours
        self.wander_bps = wander_bps
        self._seed = seed
        self._start = start
        self._set: dict[int, Decimal] = {}
        self._halted = {listing.contract.con_id for listing in universe if listing.halted}
        self.on_change: list[Callable[[int], None]] = []
        """Called with the conId whose price was set."""

    def set_price(self, con_id: int, price: Decimal) -> None:
        """Put the price of a contract at `price`; raises ValueError when it is not positive."""
        if not price > 0:
            raise ValueError(f"a price must be above zero, not {price}")
        self._set[con_id] = price
        self._changed(con_id)

    def set_halted(self, con_id: int, *, halted: bool) -> None:
        (self._halted.add if halted else self._halted.discard)(con_id)
        self._changed(con_id)

    def is_open(self, listing: Listing, now: float, *, outside_rth: bool = False) -> bool:
        """Whether orders can trade: inside the session and not halted."""
        halted = listing.contract.con_id in self._halted
        return not halted and self.hours.is_open(listing, now, outside_rth=outside_rth)

    def price(self, listing: Listing, now: float) -> Decimal:
        """The last trade price at `now`."""
        base = self._set.get(listing.contract.con_id, listing.base_price)
        if not self.wander_bps:
            return base
        swing = Decimal(repr(round(self._swing(listing, now), 6)))
        moved = base * (1 + Decimal(self.wander_bps) / 10_000 * swing)
        return _to_step(listing, moved, ROUND_HALF_EVEN)

    def previous_close(self, listing: Listing) -> Decimal:
        """Yesterday's close: within 1.5 % of the base price, and never quite equal to it."""
        shift = Decimal(10 + self._draw(listing, "close") % 140) / 10_000
        sign = 1 if self._draw(listing, "sign") % 2 else -1
        return _to_step(listing, listing.base_price * (1 + sign * shift), ROUND_HALF_EVEN)

    def quote(self, listing: Listing, now: float) -> Quote:
        close = self.previous_close(listing)
        tradable = self.is_open(listing, now, outside_rth=True)
        last = self.price(listing, now) if tradable else self._set.get(listing.contract.con_id, close)
        half = max(last * SPREAD_SHARE, increment_at(listing.instrument, last) / 2)
        second = int(now - self._start)
        return Quote(
            bid=_to_step(listing, last - half, ROUND_FLOOR) if tradable else None,
            ask=_to_step(listing, last + half, ROUND_CEILING) if tradable else None,
            last=last,
            close=close,
            open=_to_step(listing, (last + close) / 2, ROUND_HALF_EVEN),
            high=max(last, close),
            low=min(last, close),
            bid_size=100 * (1 + self._draw(listing, f"bid{second}") % 20) if tradable else 0,
            ask_size=100 * (1 + self._draw(listing, f"ask{second}") % 20) if tradable else 0,
            volume=10_000 + self._draw(listing, "volume") % 90_000 + 10 * max(0, second),
            halted=listing.contract.con_id in self._halted,
        )

    def _changed(self, con_id: int) -> None:
        for callback in self.on_change:
            callback(con_id)

    def _swing(self, listing: Listing, now: float) -> float:
        second = int(now - self._start)
        phase = self._draw(listing, "phase") % 10_000 / 10_000
        slow = math.sin(2 * math.pi * (second / SLOW_SECONDS + phase))
        fast = math.sin(2 * math.pi * (second / FAST_SECONDS + 3 * phase))
        return 0.7 * slow + 0.3 * fast

    def _draw(self, listing: Listing, purpose: str) -> int:
        text = f"{self._seed}/{listing.contract.con_id}/{purpose}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")


def _to_step(listing: Listing, price: Decimal, rounding: str) -> Decimal:
    step = increment_at(listing.instrument, price)
    return max((price / step).quantize(Decimal(1), rounding) * step, step)
