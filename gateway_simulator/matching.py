"""At what price an order trades against a quote; pure."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from .market import Quote
from .model import Contract, Order
from .universe import Listing, increment_at

AUCTIONS = {"MOC", "LOC"}
SUPPORTED = {"MKT", "LMT", "MIDPRICE", "MOC", "LOC"}
TIFS = {"DAY", "GTC", "IOC", "OPG"}
ADAPTIVE_PACE = {"Urgent": 1.0, "Normal": 3.0, "Patient": 6.0}
"""How many times longer than a plain order an Adaptive one takes."""

COMMISSION_PER_SHARE = Decimal("0.005")
COMMISSION_MIN = Decimal(1)
COMMISSION_SHARE_MAX = Decimal("0.01")
COMMISSION_EUROPE = Decimal("0.0005")
COMMISSION_EUROPE_MIN = Decimal(3)
COMMISSION_MONEY = Decimal(2)
SMALL = Decimal("0.0001")


def fill_price(order: Order, listing: Listing, quote: Quote) -> Decimal | None:
    """The price at which the order trades now; None when it rests."""
    buying = order.action == "BUY"
    market = quote.ask if buying else quote.bid
    if quote.bid is None or quote.ask is None or market is None:
        return None
    if order.order_type == "MIDPRICE":
        return _within_limit(order, _to_step(listing, (quote.bid + quote.ask) / 2, order.action))
    if order.algo_strategy == "Adaptive":
        improved = _to_step(listing, (quote.bid + quote.ask) / 2, order.action)
        return _within_limit(order, improved)
    return _within_limit(order, market)


def auction_price(order: Order, last: Decimal) -> Decimal | None:
    """The price in an opening or closing auction: the last one, when the order's limit allows it."""
    return _within_limit(order, last)


def _within_limit(order: Order, price: Decimal) -> Decimal | None:
    limit = order.lmt_price if order.order_type in {"LMT", "LOC", "MIDPRICE"} else None
    if not limit:
        return price
    return price if (price <= limit if order.action == "BUY" else price >= limit) else None


def _to_step(listing: Listing, price: Decimal, action: str) -> Decimal:
    step = increment_at(listing.instrument, price)
    rounding = ROUND_CEILING if action == "BUY" else ROUND_FLOOR
    return (price / step).quantize(Decimal(1), rounding) * step


def commission(contract: Contract, quantity: Decimal, price: Decimal) -> Decimal:
    """IBKR's fixed pricing, in the contract's currency (for money, in the base currency).

    US shares 0.005 each, at least 1, at most 1 % of the trade; European ones 0.05 %, at least 3.
    """
    value = abs(quantity) * price
    if contract.sec_type == "CASH":
        return COMMISSION_MONEY
    if contract.currency == "USD":
        amount = min(max(abs(quantity) * COMMISSION_PER_SHARE, COMMISSION_MIN), value * COMMISSION_SHARE_MAX)
    else:
        amount = max(value * COMMISSION_EUROPE, COMMISSION_EUROPE_MIN)
    return amount.quantize(SMALL, ROUND_HALF_EVEN)


def first_slice(quantity: Decimal, fraction: float) -> Decimal:
    """The share of an order that a partial fill takes: whole shares, at least one, at most all."""
    if fraction >= 1:
        return quantity
    return min(max((quantity * Decimal(repr(fraction))).quantize(Decimal(1), ROUND_FLOOR), Decimal(1)), quantity)
