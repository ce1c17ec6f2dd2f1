from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gateway_simulator.hours import Hours
from gateway_simulator.market import Market
from gateway_simulator.model import Contract
from gateway_simulator.universe import build_universe, increment_at

UNIVERSE = build_universe()
SPY = UNIVERSE.by_symbol("SPY", sec_type="STK")
SAP = UNIVERSE.by_symbol("SAP")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_the_universe_is_large_and_its_ids_differ() -> None:
    """At least five hundred shares, every conId once."""
    assert sum(listing.contract.sec_type == "STK" for listing in UNIVERSE) >= 500
    assert len({listing.contract.con_id for listing in UNIVERSE}) == len(UNIVERSE)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD"), 1),
        (Contract(symbol="spy", sec_type="STK"), 1),
        (Contract(con_id=756733), 1),
        (Contract(con_id=756733, exchange="IBIS"), 0),
        (Contract(symbol="ABC", exchange="SMART"), 2),
        (Contract(symbol="ABC", currency="EUR"), 1),
        (Contract(symbol="ABC", primary_exchange="NYSE"), 1),
        (Contract(symbol="QQQ", primary_exchange="ISLAND"), 1),
        (Contract(symbol="SPY", sec_type="OPT", strike=550.0, right="PUT", last_trade_date="202712"), 1),
        (Contract(symbol="SPY", sec_type="OPT", strike=560.0), 0),
        (Contract(symbol="NOSUCH"), 0),
        (Contract(), 0),
    ],
)
def test_contracts_are_found_by_what_is_said_about_them(asked: Contract, count: int) -> None:
    """Every filled field must agree; an empty one does not matter."""
    assert len(UNIVERSE.match(asked)) == count


def test_prices_follow_the_market_rule() -> None:
    """The price step of European shares grows with the price."""
    assert increment_at(SAP.instrument, Decimal(9)) == Decimal("0.001")
    assert increment_at(SAP.instrument, Decimal(219)) == Decimal("0.02")


def test_regular_hours_in_winter_and_summer() -> None:
    """09:30 to 16:00 New York, whatever the offset, and not at weekends."""
    hours = Hours("regular", 0)
    assert not hours.is_open(SPY, at("2026-11-20 14:29:59"))
    assert hours.is_open(SPY, at("2026-11-20 14:30:00"))
    assert hours.is_open(SPY, at("2026-07-20 13:30:00"))
    assert not hours.is_open(SPY, at("2026-11-20 21:00:00"))
    assert not hours.is_open(SPY, at("2026-11-21 16:00:00"))
    assert hours.is_open(SPY, at("2026-11-20 22:00:00"), outside_rth=True)
    assert hours.next_open(SPY, at("2026-11-20 21:00:00")) == at("2026-11-23 14:30:00")
    assert hours.next_close(SPY, at("2026-11-20 21:00:00")) == at("2026-11-23 21:00:00")


def test_hours_are_written_as_ibkr_writes_them() -> None:
    """Six days, closed ones by name, local times."""
    hours = Hours("regular", 0)
    text = hours.liquid_hours(SPY, at("2026-11-20 17:00:00"))
    assert text.split(";")[:3] == ["20261120:0930-20261120:1600", "20261121:CLOSED", "20261122:CLOSED"]
    assert len(text.split(";")) == 6
    assert "20261120:0900-20261120:1730" in hours.liquid_hours(SAP, at("2026-11-20 17:00:00"))


def test_a_market_that_opens_later() -> None:
    """Closed until its time, open from then on; the written opening is never before the real one."""
    start = at("2026-11-21 12:00:10")
    hours = Hours("closed_until", start, 30)
    assert not hours.is_open(SPY, start + 29)
    assert hours.next_open(SPY, start) == start + 30
    assert hours.is_open(SPY, start + 30)
    assert hours.liquid_hours(SPY, start).startswith("20261121:0701-20261122:0000")


def test_an_unknown_hours_mode_is_refused() -> None:
    """A misspelt mode is an error, not a closed market."""
    with pytest.raises(ValueError, match="use one of"):
        Hours("alway", 0)


def market(**settings: int) -> Market:
    return Market(
        UNIVERSE, Hours("always", 0), seed=settings.get("seed", 1), start=0, wander_bps=settings.get("bps", 0)
    )


def test_quotes_surround_the_last_price() -> None:
    """Bid below last below ask, on the price step, for every contract that trades."""
    prices = market()
    for listing in UNIVERSE:
        quote = prices.quote(listing, 100.0)
        if listing.halted:
            assert (quote.bid, quote.ask) == (None, None)
            continue
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid < quote.last < quote.ask
        assert quote.bid % increment_at(listing.instrument, quote.bid) == 0
        assert quote.close != quote.last


def test_prices_wander_within_their_band_and_repeat() -> None:
    """The path depends on seed and time alone, and stays within the band."""
    path = [market(bps=50).price(SPY, float(n)) for n in range(500)]
    assert path == [market(bps=50).price(SPY, float(n)) for n in range(500)]
    assert path != [market(bps=50, seed=2).price(SPY, float(n)) for n in range(500)]
    assert len(set(path)) > 50
    assert all(abs(price / SPY.base_price - 1) <= Decimal("0.0051") for price in path)


def test_a_halt_takes_bid_and_ask_away() -> None:
    """While halted there is no market; afterwards there is."""
    prices = market()
    prices.set_halted(SPY.contract.con_id, halted=True)
    assert prices.quote(SPY, 1.0).bid is None
    prices.set_halted(SPY.contract.con_id, halted=False)
    assert prices.quote(SPY, 1.0).bid is not None
