"""Contracts: details, search, market rules, and bars of past days."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from gateway_simulator.answers.peer import Peer
from gateway_simulator.clock import utc
from gateway_simulator.codec import contracts as codec
from gateway_simulator.codec import market_data as bars_codec
from gateway_simulator.codec import requests as ask
from gateway_simulator.codec.market_data import Bar
from gateway_simulator.universe import MARKET_RULES, Listing

NOT_FOUND = "No security definition has been found for the request"
DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}
BARS_MAX = 2000
CENT = Decimal("0.01")
FIRST_DAY = "20040102-14:30:00"


class ContractAnswers:
    """One client's questions about contracts."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._sim = peer.sim

    def details(self, request: ask.ReqContractDetails) -> None:
        found = self._sim.universe.match(request.contract)
        if not found:
            self._peer.error(request.request_id, 200, NOT_FOUND)
            return
        now = self._sim.clock.now()
        hours = self._sim.market.hours
        for listing in found:
            exchange = request.contract.exchange or listing.contract.exchange
            instrument = replace(listing.instrument, contract=replace(listing.contract, exchange=exchange))
            self._peer.send(
                codec.contract_data(
                    self._peer.server_version,
                    request.request_id,
                    instrument,
                    time_zone=listing.time_zone,
                    trading_hours=hours.trading_hours(listing, now),
                    liquid_hours=hours.liquid_hours(listing, now),
                )
            )
        self._peer.send(codec.contract_data_end(request.request_id))

    def search(self, request: ask.ReqMatchingSymbols) -> None:
        found = [listing.instrument for listing in self._sim.universe.search(request.pattern)]
        self._peer.send(codec.symbol_samples(self._peer.server_version, request.request_id, found))

    def market_rule(self, request: ask.ReqMarketRule) -> None:
        rule = MARKET_RULES.get(request.market_rule_id)
        if rule is None:
            self._peer.error(-1, 322, f"Error processing request.-'cd' : cause - Unknown rule {request.market_rule_id}")
        else:
            self._peer.send(codec.market_rule(request.market_rule_id, rule))

    def first_day(self, request: ask.ReqHeadTimestamp) -> None:
        if self._one(request.request_id, request) is not None:
            self._peer.send(bars_codec.head_timestamp(request.request_id, FIRST_DAY))

    def bars(self, request: ask.ReqHistoricalData) -> None:
        listing = self._one(request.request_id, request)
        if listing is None:
            return
        prefix = "Historical Market Data Service error message:"
        length = re.fullmatch(r"(\d+) ([DWMY])", request.duration)
        if request.bar_size != "1 day" or length is None:
            self._peer.error(request.request_id, 162, f"{prefix}only bars of 1 day over days, weeks, months or years")
            return
        if self._sim.data_permission == "none":
            self._peer.error(request.request_id, 162, f"{prefix}No market data permissions")
            return
        end = self._end(request.end)
        days = min(int(length[1]) * DAYS[length[2]], BARS_MAX)
        found = [_bar(listing, day) for day in _weekdays(end, days)]
        start = end - timedelta(days=days)
        message = bars_codec.historical_data(
            request.request_id, f"{start:%Y%m%d  %H:%M:%S}", f"{end:%Y%m%d  %H:%M:%S}", found
        )
        self._peer.send(message)

    def _one(self, request_id: int, request: ask.ReqHistoricalData | ask.ReqHeadTimestamp) -> Listing | None:
        found = self._sim.universe.match(request.contract)
        if len(found) == 1:
            return found[0]
        self._peer.error(request_id, 200, NOT_FOUND)
        return None

    def _end(self, text: str) -> datetime:
        day = re.match(r"(\d{4})(\d\d)(\d\d)", text)
        now = utc(self._sim.clock.now())
        return now.replace(year=int(day[1]), month=int(day[2]), day=int(day[3])) if day else now


def _weekdays(end: datetime, days: int) -> list[datetime]:
    all_days = (end - timedelta(days=days - 1 - n) for n in range(days))
    return [day for day in all_days if day.weekday() <= 4]


def _bar(listing: Listing, day: datetime) -> Bar:
    """A bar that depends on contract and day alone: within 3 % of the base price."""
    digest = blake2b(f"{listing.contract.con_id}/{day:%Y%m%d}".encode(), digest_size=8).digest()
    moves = [Decimal(byte - 128) / 128 * Decimal("0.03") for byte in digest[:4]]
    prices = [((1 + move) * listing.base_price).quantize(CENT) for move in moves]
    volume = Decimal(100_000 + int.from_bytes(digest[4:6], "big"))
    return Bar(
        date=f"{day:%Y%m%d}",
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[1],
        volume=volume,
        average=(sum(prices, Decimal(0)) / 4).quantize(CENT),
        count=int(volume / 100),
    )
