from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from event_processor.adapters.ibkr.lines import HALTED, Line
from event_processor.domain.contract import Contract, TradingInterval
from event_processor.domain.ids import ConId

NOON = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
OPEN = TradingInterval(NOON - timedelta(hours=2), NOON + timedelta(hours=4))
YESTERDAY = str(int((NOON - timedelta(hours=20)).timestamp()))
THIS_SESSION = str(int((NOON - timedelta(minutes=5)).timestamp()))

BID_SIZE = 0
LIVE, FROZEN, DELAYED = 1, 2, 3


def _line(*, allow_delayed: bool = False, hours: tuple[TradingInterval, ...] | None = (OPEN,)) -> Line:
    return Line(Contract(con_id=ConId(1), symbol="SPY", liquid_hours=hours), allow_delayed)


def test_bid_and_ask_make_a_quote() -> None:
    """A live bid and ask are a quote, as old as the last tick."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON + timedelta(seconds=1))
    quote = line.quote(NOON + timedelta(seconds=2), 30)
    assert quote is not None
    assert (quote.bid, quote.ask, quote.at) == (Decimal(100), Decimal("100.5"), NOON + timedelta(seconds=1))
    assert line.answered


def test_an_old_quote_is_none() -> None:
    """A quote older than asked for is no quote."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    assert line.quote(NOON + timedelta(seconds=31), 30) is None
    assert line.quote(NOON + timedelta(seconds=30), 30) is not None


def test_any_tick_says_that_the_quote_still_holds() -> None:
    """In a quiet market only sizes move: IBKR repeats no price that has not changed."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    line.hear_other(BID_SIZE, "200", NOON + timedelta(seconds=20))
    quote = line.quote(NOON + timedelta(seconds=31), 30)
    assert quote is not None
    assert quote.at == NOON + timedelta(seconds=20)


@pytest.mark.parametrize("tick_type", [9, 75, 37])
def test_a_close_is_never_a_price(tick_type: int) -> None:
    """Yesterday's close and the mark price make no quote, whatever else is missing."""
    line = _line()
    line.hear_price(tick_type, 100.0, NOON)
    assert line.quote(NOON, 30) is None


def test_closed_market_ticks_are_no_prices() -> None:
    """Bid and ask of -1 are how IBKR says there are none."""
    line = _line()
    line.hear_price(1, -1.0, NOON)
    line.hear_price(2, -1.0, NOON)
    assert line.quote(NOON, 30) is None
    assert not line.answered
    assert "closed" in line.why_not()


@pytest.mark.parametrize(
    ("traded_at", "hours", "counts"),
    [
        (THIS_SESSION, (OPEN,), True),
        (YESTERDAY, (OPEN,), False),
        (None, (OPEN,), False),
        (THIS_SESSION, (), False),
        (THIS_SESSION, None, True),
        (YESTERDAY, None, False),
        ("0", None, False),
    ],
)
def test_a_last_trade_counts_only_in_its_session(
    traded_at: str | None, hours: tuple[TradingInterval, ...] | None, counts: bool
) -> None:
    """IBKR sends the last trade on subscribing however old it is: only a timestamp of this session proves it."""
    line = _line(hours=hours)
    line.hear_price(4, 100.0, NOON)
    if traded_at is not None:
        line.hear_other(45, traded_at, NOON)
    assert (line.quote(NOON, 30) is not None) is counts


@pytest.mark.parametrize("allowed", [True, False])
def test_delayed_data_counts_only_when_allowed(allowed: bool) -> None:
    """Delayed ticks are a quote that says so, or none."""
    line = _line(allow_delayed=allowed)
    line.hear_code(10167)
    line.hear_price(66, 100.0, NOON)
    line.hear_price(67, 100.5, NOON)
    quote = line.quote(NOON, 30)
    assert (quote is not None and quote.delayed) is allowed
    assert quote is None or (quote.bid, quote.ask) == (Decimal(100), Decimal("100.5"))
    assert "delayed" in line.why_not()


def test_a_delayed_last_trade_has_its_own_time() -> None:
    """Ticks 68 and 88 are to delayed data what 4 and 45 are to live data."""
    line = _line(allow_delayed=True)
    line.hear_price(68, 100.0, NOON)
    assert line.quote(NOON, 30) is None
    line.hear_other(88, THIS_SESSION, NOON)
    quote = line.quote(NOON, 30)
    assert quote is not None
    assert (quote.last, quote.delayed) == (Decimal(100), True)


@pytest.mark.parametrize(("said", "halted"), [("1.0", True), ("2.0", True), ("0.0", False), ("-1.0", False)])
def test_a_halted_contract_has_no_price(said: str, *, halted: bool) -> None:
    """1 is a halt by the exchange, 2 one for volatility; 0 is none, and -1 says nothing. Asked anew, nobody knows."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    line.hear_other(49, said, NOON)
    assert (line.quote(NOON, 30) is None) is halted
    assert (line.why_not() == "trading is halted") is halted
    line.ask_anew()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    assert line.quote(NOON, 30) is not None


@pytest.mark.parametrize("side", [1, 2])
def test_one_side_alone_is_no_quote(side: int) -> None:
    """Without the other side, and without a trade of this session, nothing says what the contract is worth."""
    line = _line()
    line.hear_price(side, 100.0, NOON)
    assert line.quote(NOON, 30) is None
    assert not line.answered


@pytest.mark.parametrize("data_type", [2, 4])
def test_frozen_data_is_none(data_type: int) -> None:
    """Frozen data is the state at the close and never counts."""
    line = _line(allow_delayed=True)
    line.hear_type(data_type)
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    assert line.quote(NOON, 30) is None


def test_a_competing_session_takes_the_prices_until_data_flows_again() -> None:
    """10197 forgets what was heard and ends the wait; the next ticks count again."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    line.hear_code(10197)
    assert line.answered
    assert line.quote(NOON, 30) is None
    assert "another login" in line.why_not()
    line.hear_price(1, 101.0, NOON)
    line.hear_price(2, 101.5, NOON)
    assert line.quote(NOON, 30) is not None


def test_a_competing_session_takes_the_last_trade_too() -> None:
    """A trade of this session, heard before somebody else took the data, is no price beside one new side."""
    line = _line()
    line.hear_price(4, 100.0, NOON)
    line.hear_other(45, THIS_SESSION, NOON)
    line.hear_code(10197)
    line.hear_price(1, 101.0, NOON)
    assert line.quote(NOON, 30) is None


def test_a_missing_subscription_ends_the_line() -> None:
    """354 says nothing will come: no more waiting, and the line is free, of a snapshot, too."""
    line = _line()
    line.standing_id, line.snapshot_id = 5, 6
    line.hear_code(354)
    assert (line.answered, line.standing_id, line.snapshot_id) == (True, 0, 0)
    assert "subscription" in line.why_not()


def test_asking_anew_forgets_what_was_heard() -> None:
    """A refetched line starts from nothing: an old bid cannot mix with a new last."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    line.ask_anew()
    line.hear_other(45, THIS_SESSION, NOON)
    assert line.quote(NOON, 30) is None
    assert not line.answered


def test_a_last_trade_after_asking_anew_needs_a_new_time() -> None:
    """The time of a trade heard before says nothing of one heard now."""
    line = _line()
    line.hear_price(4, 100.0, NOON)
    line.hear_other(45, THIS_SESSION, NOON)
    line.ask_anew()
    line.hear_price(4, 90.0, NOON)
    assert line.quote(NOON, 30) is None


def test_a_last_trade_is_no_price_once_the_session_is_over() -> None:
    """Traded a minute before the close and asked for at the close: the market is shut."""
    line = _line()
    closing = OPEN.closes - timedelta(minutes=1)
    line.hear_price(4, 100.0, closing)
    line.hear_other(45, str(int(closing.timestamp())), closing)
    assert line.quote(closing, 300) is not None
    assert line.quote(OPEN.closes, 300) is None


@pytest.mark.parametrize("side", [1, 2])
def test_a_side_that_is_withdrawn_is_gone(side: int) -> None:
    """-1 after a price says that nobody offers it any more."""
    line = _line()
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    line.hear_price(side, -1.0, NOON)
    assert line.quote(NOON, 30) is None


def test_delayed_prices_stay_delayed_whatever_is_told_beside_them() -> None:
    """A tick that live and delayed data share does not make live prices of those heard before."""
    line = _line()
    line.hear_price(66, 100.0, NOON)
    line.hear_price(67, 100.5, NOON)
    line.hear_other(HALTED, "0.0", NOON)
    assert line.quote(NOON, 30) is None


@pytest.mark.parametrize("kind", [FROZEN, DELAYED])
@pytest.mark.parametrize("anew", [True, False])
def test_a_line_that_becomes_live_counts(kind: int, *, anew: bool) -> None:
    """The market opens or a subscription is bought: what is asked for anew, or is said to be live, is live."""
    line = _line()
    line.hear_type(kind)
    if anew:
        line.ask_anew()
    else:
        line.hear_type(LIVE)
    line.hear_price(1, 100.0, NOON)
    line.hear_price(2, 100.5, NOON)
    assert line.quote(NOON, 30) is not None
