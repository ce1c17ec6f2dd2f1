"""Answers about prices: ticks, their kind and end, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway_simulator.codec.fields import message


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `date` as the client asked for it: `20240603` for daily bars or seconds since the epoch."""

    date: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    average: Decimal
    count: int


def tick_price(
    request_id: int,
    tick_type: int,
    price: Decimal,
    size: Decimal,
    *,
    past_limit: bool = False,
    pre_open: bool = False,
) -> list[str]:
    """A price and the size that goes with it; -1 and 0 where there is none (a closed market)."""
    automatic, attributes = 1, 2 * past_limit + 4 * pre_open
    return message(1, 6, request_id, tick_type, price, size, attributes or automatic)


def tick_size(request_id: int, tick_type: int, size: Decimal) -> list[str]:
    """A size alone."""
    return message(2, 6, request_id, tick_type, size)


def tick_string(request_id: int, tick_type: int, value: str) -> list[str]:
    """A tick that is text, such as the last timestamp (45)."""
    return message(46, 6, request_id, tick_type, value)


def tick_generic(request_id: int, tick_type: int, value: Decimal) -> list[str]:
    """A tick that is a bare number, such as halted (49)."""
    return message(45, 6, request_id, tick_type, value)


def market_data_type(request_id: int, data_type: int) -> list[str]:
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""
    return message(58, 1, request_id, data_type)


def tick_req_params(request_id: int, min_tick: Decimal, bbo_exchange: str, snapshot_permissions: int) -> list[str]:
    """What a market data subscription may expect; sent once before its ticks."""
    return message(81, request_id, min_tick, bbo_exchange, snapshot_permissions)


def tick_snapshot_end(request_id: int) -> list[str]:
    """The snapshot is complete."""
    return message(57, 1, request_id)


def historical_data(request_id: int, start: str, end: str, bars: Sequence[Bar]) -> list[str]:
    """All bars of a request; the end of the list is implied below server version 196."""
    fields = message(17, request_id, start, end, len(bars))
    for bar in bars:
        fields += message(bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.average, bar.count)
    return fields


def historical_data_update(request_id: int, bar: Bar) -> list[str]:
    """The newest bar of a request that is kept up to date; note its own order of prices."""
    return message(90, request_id, bar.count, bar.date, bar.open, bar.close, bar.high, bar.low, bar.average, bar.volume)


def head_timestamp(request_id: int, timestamp: str) -> list[str]:
    """The earliest time for which there is data."""
    return message(88, request_id, timestamp)
