"""Market data: snapshots and streams, live, frozen and delayed, with the permission to see them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gateway_simulator.answers.peer import Peer
from gateway_simulator.codec import market_data as codec
from gateway_simulator.codec import requests as ask
from gateway_simulator.market import Quote
from gateway_simulator.session import State
from gateway_simulator.universe import Listing

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4
COMPETING = "No market data during competing live session"
SUBSCRIBE = "Requested market data is not subscribed."
NOTHING = Decimal(-1)
LAST_SIZE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Ticks:
    """Tick type numbers of one kind of data (TWS API, tick types)."""

    bid: int
    ask: int
    last: int
    high: int
    low: int
    close: int
    open: int
    bid_size: int
    ask_size: int
    last_size: int
    volume: int
    time: int


LIVE_TICKS = Ticks(1, 2, 4, 6, 7, 9, 14, 0, 3, 5, 8, 45)
DELAYED_TICKS = Ticks(66, 67, 68, 72, 73, 75, 76, 69, 70, 71, 74, 88)


@dataclass(slots=True)
class Stream:
    """One line of market data and what was last sent on it."""

    request_id: int
    listing: Listing
    ticks: Ticks
    sent: Quote | None = None


class PriceAnswers:
    """One client's market data."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._sim = peer.sim
        self._wanted = LIVE
        self._streams: dict[int, Stream] = {}
        self._sim.market.on_change.append(self._price_set)

    def close(self) -> None:
        """The connection has gone."""
        self._streams.clear()
        self._sim.market.on_change.remove(self._price_set)

    def data_lost(self) -> None:
        """1101: the client has to subscribe again."""
        self._streams.clear()

    def contended(self) -> None:
        """A competing login has taken the data of every line."""
        for request_id in self._streams:
            self._peer.error(request_id, 10197, COMPETING)

    def choose_type(self, request: ask.ReqMarketDataType) -> None:
        self._wanted = request.market_data_type

    def subscribe(self, request: ask.ReqMktData) -> None:
        listing = self._listing(request)
        if listing is None or not self._allowed(request.request_id):
            return
        if not request.snapshot and len(self._streams) >= self._sim.scenario.market.lines:
            self._peer.error(request.request_id, 101, "Max number of tickers has been reached")
            return
        delayed = self._sim.data_permission == "delayed"
        stream = Stream(request.request_id, listing, DELAYED_TICKS if delayed else LIVE_TICKS)
        quote = self._sim.market.quote(listing, self._sim.clock.now())
        self._peer.send(codec.market_data_type(request.request_id, self._shown_type(quote, delayed=delayed)))
        self._peer.send(codec.tick_req_params(request.request_id, listing.instrument.min_tick, "9c0001", 3))
        self._first(stream, quote)
        if request.snapshot:
            self._peer.send(codec.tick_snapshot_end(request.request_id))
        else:
            self._streams[request.request_id] = stream
            self._later(stream)

    def cancel(self, request: ask.CancelMktData) -> None:
        if self._streams.pop(request.request_id, None) is None:
            self._peer.error(request.request_id, 300, f"Can't find EId with tickerId:{request.request_id}")

    def _listing(self, request: ask.ReqMktData) -> Listing | None:
        if not request.contract.exchange:
            self._peer.error(request.request_id, 321, "Error validating request.-'bN' : cause - Please enter exchange")
            return None
        found = self._sim.universe.match(request.contract)
        if len(found) == 1:
            return found[0]
        text = "is ambiguous" if found else "No security definition has been found for the request"
        prefix = f"The contract description specified for {request.contract.symbol} " if found else ""
        self._peer.error(request.request_id, 200, prefix + text)
        return None

    def _allowed(self, request_id: int) -> bool:
        if self._sim.session.state is State.CONTENDED:
            self._peer.error(request_id, 10197, COMPETING)
            return False
        permission = self._sim.data_permission
        if permission == "live":
            return True
        if permission == "delayed" and self._wanted in {DELAYED, DELAYED_FROZEN}:
            self._peer.error(request_id, 10167, f"{SUBSCRIBE} Displaying delayed market data.")
            return True
        offer = "Delayed market data is available." if permission == "delayed" else ""
        self._peer.error(request_id, 354, f"{SUBSCRIBE}{offer}")
        return False

    def _shown_type(self, quote: Quote, *, delayed: bool) -> int:
        frozen = quote.bid is None and self._wanted in {FROZEN, DELAYED_FROZEN}
        if delayed:
            return DELAYED_FROZEN if frozen else DELAYED
        return FROZEN if frozen else LIVE

    def _first(self, stream: Stream, quote: Quote) -> None:
        ticks = stream.ticks
        self._market(stream, quote)
        for number, price in (
            (ticks.high, quote.high),
            (ticks.low, quote.low),
            (ticks.close, quote.close),
            (ticks.open, quote.open),
        ):
            self._peer.send(codec.tick_price(stream.request_id, number, price, Decimal(0)))
        self._peer.send(codec.tick_size(stream.request_id, ticks.volume, Decimal(quote.volume)))
        self._peer.send(codec.tick_string(stream.request_id, ticks.time, str(int(self._sim.clock.now()))))
        self._peer.send(codec.tick_generic(stream.request_id, 49, Decimal(int(quote.halted))))

    def _market(self, stream: Stream, quote: Quote) -> None:
        """Bid, ask and last, each as a price with its size and the size once more, as IBKR sends them."""
        ticks, old = stream.ticks, stream.sent
        sides = (
            (ticks.bid, ticks.bid_size, quote.bid, quote.bid_size, old and old.bid),
            (ticks.ask, ticks.ask_size, quote.ask, quote.ask_size, old and old.ask),
        )
        for price_tick, size_tick, price, size, before in sides:
            if old is None or price != before:
                shown = NOTHING if price is None else price
                self._peer.send(codec.tick_price(stream.request_id, price_tick, shown, Decimal(size)))
            self._peer.send(codec.tick_size(stream.request_id, size_tick, Decimal(size)))
        if old is None or quote.last != old.last:
            self._peer.send(codec.tick_price(stream.request_id, ticks.last, quote.last, LAST_SIZE))
            self._peer.send(codec.tick_size(stream.request_id, ticks.last_size, LAST_SIZE))
        stream.sent = quote

    def _later(self, stream: Stream) -> None:
        self._sim.scheduler.after(self._sim.scenario.market.tick_seconds, lambda: self._tick(stream))

    def _tick(self, stream: Stream) -> None:
        if self._peer.closed or self._streams.get(stream.request_id) is not stream:
            return
        self._show(stream)
        self._later(stream)

    def _price_set(self, con_id: int) -> None:
        for stream in self._streams.values():
            if stream.listing.contract.con_id == con_id:
                self._show(stream)

    def _show(self, stream: Stream) -> None:
        if self._sim.session.linked:
            self._market(stream, self._sim.market.quote(stream.listing, self._sim.clock.now()))
