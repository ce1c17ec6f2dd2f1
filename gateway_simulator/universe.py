"""Every contract that exists: about 540 of them, the same on each run.

Some symbols are there to be awkward. `ABC` is two different shares (USD on NYSE, EUR on IBIS), so
that a contract without currency is ambiguous; `TWIN` is two in USD, told apart by their primary
exchange alone. `NOPERM` exists and has prices but may not be traded.
`HALT` is halted: it has yesterday's close and no market.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .model import Contract, Instrument
from .symbols import EURO_STOCKS, GENERATED_COUNT, STOCKS_AND_FUNDS

US_EXCHANGES = "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,NASDAQ,DRCTEDGE,BEX,BATS,EDGEA,BYX,IEX,EDGX,OVERNIGHT"
EU_EXCHANGES = "SMART,IBIS,IBIS2,FWB,AEB,SBF,TGATE"
ORDER_TYPES = (
    "ACTIVETIM,AD,ADDONT,ADJUST,ALERT,ALGO,ALLOC,AON,AVGCOST,BASKET,COND,DAY,FOK,GAT,GTC,GTD,GTT,IOC,LMT,"
    "LOC,MIDPX,MIT,MKT,MOC,OPG,OUTRTH,SMARTSTG,SNAPMID,STP,STPLMT,TRAIL,VOLAT,WHATIF"
)
MARKET_RULES: dict[int, tuple[tuple[Decimal, Decimal], ...]] = {
    26: ((Decimal(0), Decimal("0.01")),),
    32: ((Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))),
    1788: (
        (Decimal(0), Decimal("0.001")),
        (Decimal(10), Decimal("0.005")),
        (Decimal(50), Decimal("0.01")),
        (Decimal(100), Decimal("0.02")),
        (Decimal(500), Decimal("0.1")),
    ),
    109: ((Decimal(0), Decimal("0.01")),),
    239: ((Decimal(0), Decimal("0.00005")),),
    67: ((Decimal(0), Decimal("0.25")),),
}
"""Market rule id -> (low edge, increment); the increment holds from its low edge upward."""

ALIASES = {"ISLAND": "NASDAQ"}
"""Old names of exchanges that clients still use."""

CENT = Decimal("0.01")
GENERATED_CON_ID = 900_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument with what only the simulator knows about it."""

    instrument: Instrument
    base_price: Decimal
    time_zone: str
    tradable: bool = True
    halted: bool = False

    @property
    def contract(self) -> Contract:
        return self.instrument.contract


class Universe:
    """Looks contracts up the way a gateway does: by conId, or by whatever fields the client filled."""

    def __init__(self, listings: Iterator[Listing]) -> None:
        self._by_con_id = {listing.contract.con_id: listing for listing in listings}
        self._by_symbol: dict[str, list[Listing]] = {}
        for listing in self._by_con_id.values():
            for name in {listing.contract.symbol, listing.contract.local_symbol}:
                self._by_symbol.setdefault(name.upper(), []).append(listing)

    def __iter__(self) -> Iterator[Listing]:
        return iter(self._by_con_id.values())

    def __len__(self) -> int:
        return len(self._by_con_id)

    def by_con_id(self, con_id: int) -> Listing:
        """Raises KeyError when there is no such contract."""
        return self._by_con_id[con_id]

    def by_symbol(self, symbol: str, currency: str = "", sec_type: str = "") -> Listing:
        """The only listing of a symbol; raises KeyError when there is none or more than one."""
        found = self.match(Contract(symbol=symbol, currency=currency, sec_type=sec_type))
        if len(found) != 1:
            raise KeyError(f"{symbol}: {len(found)} contracts, say symbol, currency and sec_type so that one is left")
        return found[0]

    def match(self, asked: Contract) -> list[Listing]:
        """All listings that agree with every field the client filled; empty when there is none."""
        if asked.con_id:
            listing = self._by_con_id.get(asked.con_id)
            candidates = [listing] if listing else []
            return [found for found in candidates if _on_exchange(found, asked.exchange)]
        name = (asked.symbol or asked.local_symbol).upper()
        return [listing for listing in self._by_symbol.get(name, []) if _agrees(listing, asked)]

    def search(self, pattern: str, limit: int = 16) -> list[Listing]:
        """Listings whose symbol starts with `pattern` or whose name contains it."""
        wanted = pattern.upper()
        found = [
            listing
            for listing in self
            if listing.contract.symbol.startswith(wanted) or wanted in listing.instrument.long_name
        ]
        return found[:limit]


def _agrees(listing: Listing, asked: Contract) -> bool:
    ours = listing.contract
    pairs = (
        (asked.sec_type, ours.sec_type),
        (asked.currency, ours.currency),
        (ALIASES.get(asked.primary_exchange, asked.primary_exchange), ours.primary_exchange),
        (asked.last_trade_date, ours.last_trade_date[: len(asked.last_trade_date)]),
        (asked.right[:1], ours.right),
        (asked.multiplier, ours.multiplier),
        (asked.local_symbol, ours.local_symbol),
        (asked.trading_class, ours.trading_class),
    )
    if any(wanted and wanted.upper() != found.upper() for wanted, found in pairs):
        return False
    if asked.strike and asked.strike != ours.strike:
        return False
    return _on_exchange(listing, asked.exchange)


def _on_exchange(listing: Listing, exchange: str) -> bool:
    return not exchange or exchange in listing.instrument.valid_exchanges.split(",")


def increment_at(instrument: Instrument, price: Decimal) -> Decimal:
    """The smallest legal price step at `price`, by the instrument's first market rule."""
    rule = MARKET_RULES[int(instrument.market_rule_ids.split(",")[0])]
    return [step for low_edge, step in rule if low_edge <= abs(price)][-1]


def build_universe() -> Universe:
    """The one universe there is."""
    return Universe(_all())


def _all() -> Iterator[Listing]:
    for row in STOCKS_AND_FUNDS.strip().splitlines():
        yield _share(row)
    for row in EURO_STOCKS.strip().splitlines():
        yield _share(row, currency="EUR")
    yield _share("ABC|800000001|41.10|NYSE|COMMON|ABC HOLDINGS INC")
    yield _share("ABC|800000002|37.90|IBIS|COMMON|ABC HOLDING AG", currency="EUR")
    yield _share("NOPERM|800000003|12.00|NYSE|COMMON|NO PERMISSION CORP", tradable=False)
    yield _share("HALT|800000004|18.25|NASDAQ|COMMON|HALTED SHARES INC", halted=True)
    yield _share("TWIN|800000005|52.40|NYSE|COMMON|TWIN INDUSTRIES INC")
    yield _share("TWIN|800000006|18.70|NASDAQ|COMMON|TWIN BIOLABS INC")
    for number in range(1, GENERATED_COUNT + 1):
        price = Decimal(5) + Decimal(number * 7919 % 29500) / 100
        exchange = ("NYSE", "NASDAQ", "ARCA")[number % 3]
        con_id = GENERATED_CON_ID + number
        yield _share(f"S{number:03d}|{con_id}|{price}|{exchange}|COMMON|SAMPLE {number:03d} INC")
    yield from _derivatives()


def _share(row: str, *, currency: str = "USD", tradable: bool = True, halted: bool = False) -> Listing:
    symbol, con_id, price, exchange, kind, name = row.split("|")
    european = currency == "EUR"
    exchanges = EU_EXCHANGES if european else US_EXCHANGES
    rule = "1788" if european else "26"
    trading_class = "XETRA" if exchange == "IBIS" else {"NASDAQ": "NMS", "AEB": symbol}.get(exchange, symbol)
    contract = Contract(
        con_id=int(con_id),
        symbol=symbol,
        sec_type="STK",
        exchange="SMART",
        primary_exchange=exchange,
        currency=currency,
        local_symbol=symbol,
        trading_class=trading_class,
    )
    instrument = Instrument(
        contract=contract,
        market_name=trading_class,
        long_name=name,
        min_tick=Decimal("0.001") if european else CENT,
        order_types=ORDER_TYPES,
        valid_exchanges=exchanges,
        market_rule_ids=",".join([rule] * (exchanges.count(",") + 1)),
        industry="" if kind == "ETF" else "Technology",
        stock_type=kind,
        size_increment=Decimal("0.0001"),
        min_size=Decimal("0.0001"),
    )
    zone = "MET" if european else "US/Eastern"
    return Listing(instrument, Decimal(price), zone, tradable, halted)


def _derivatives() -> Iterator[Listing]:
    option = Contract(
        con_id=700000001,
        symbol="SPY",
        sec_type="OPT",
        last_trade_date="20271217",
        strike=550.0,
        right="P",
        multiplier="100",
        exchange="SMART",
        currency="USD",
        local_symbol="SPY   271217P00550000",
        trading_class="SPY",
    )
    yield _other(option, "SPDR S&P 500 ETF TRUST|18.40|0.01|SMART,CBOE,AMEX,ISE|109")
    future = Contract(
        con_id=700000002,
        symbol="ES",
        sec_type="FUT",
        last_trade_date="20271217",
        multiplier="50",
        exchange="CME",
        currency="USD",
        local_symbol="ESZ7",
        trading_class="ES",
    )
    yield _other(future, "E-MINI S&P 500|5870.25|0.25|CME,QBALGO|67")
    euro = Contract(
        con_id=12087792,
        symbol="EUR",
        sec_type="CASH",
        exchange="IDEALPRO",
        currency="USD",
        local_symbol="EUR.USD",
        trading_class="EUR.USD",
    )
    yield _other(euro, "European Monetary Union Euro|1.08|0.00005|IDEALPRO,SMART|239")


def _other(contract: Contract, row: str) -> Listing:
    name, price, tick, exchanges, rule = row.split("|")
    instrument = Instrument(
        contract=contract,
        market_name=contract.trading_class,
        long_name=name,
        min_tick=Decimal(tick),
        order_types=ORDER_TYPES,
        valid_exchanges=exchanges,
        market_rule_ids=",".join([rule] * (exchanges.count(",") + 1)),
        stock_type="",
    )
    return Listing(instrument, Decimal(price), "US/Eastern")
