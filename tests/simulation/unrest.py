"""Draws what market, broker and owner do on top, for one seed in four, from a chance of its own, so that the other
seeds go on meaning what they meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from random import Random

from gateway_simulator.settings import FaultSettings
from gateway_simulator.universe import build_universe

SHARE = 0.25
SALT = 2092
"""Chosen so that the seeds that once told something mean the same stories as then."""
FIRST_PERM_ID = 1_700_000_001
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Place:
    """What the unrest may be about."""

    symbols: Sequence[str]
    accounts: Sequence[str]


Maker = Callable[[Random, Place], tuple[FaultSettings, ...]]


def unrest(seed: int, place: Place) -> tuple[FaultSettings, ...]:
    """One to three things that happen to the story of this seed, or nothing."""
    chance = Random(f"unrest {SALT} of seed {seed}")
    if chance.random() >= SHARE:
        return ()
    makers = chance.sample(MAKERS, chance.choice((1, 1, 2, 3)))
    return tuple(fault for make in makers for fault in make(chance, place))


def _when(chance: Random, action: str, parameters: dict[str, object], orders_max: int = 8) -> FaultSettings:
    """At some second, or a moment after so many orders were accepted."""
    if chance.random() < 0.4:
        return FaultSettings(action, parameters, at_seconds=chance.uniform(0.001, 20.0))
    later = chance.choice((0.0, 0.0, chance.uniform(0.0, 3.0)))
    return FaultSettings(action, parameters, later, after_orders_accepted=chance.randint(1, orders_max))


def _falls(chance: Random, place: Place) -> tuple[FaultSettings, ...]:
    """A price falls: a sale pays for less. None rises: more than the plan's slippage is not promised."""
    symbol = chance.choice(place.symbols)
    price = (_prices()[symbol] * Decimal(str(chance.uniform(0.7, 0.999)))).quantize(CENT)
    return (_when(chance, "price", {"symbol": symbol, "price": price}),)


def _halts(chance: Random, place: Place) -> tuple[FaultSettings, ...]:
    symbol, since = chance.choice(place.symbols), chance.choice((0.001, chance.uniform(0.001, 10.0)))
    until = since + chance.uniform(0.5, 60.0)
    return tuple(
        FaultSettings("halt", {"symbol": symbol, "on": on}, at_seconds=at) for on, at in ((True, since), (False, until))
    )


def _broker_cancels(chance: Random, _: Place) -> tuple[FaultSettings, ...]:
    """One of the first orders rests, and is cancelled by nobody of ours."""
    number = chance.randint(0, 5)
    rests: dict[str, object] = {
        "skip": number,
        "count": 1,
        "fill_delay_ms": 20_000,
        "fill_fraction": chance.choice((1.0, 0.5)),
    }
    cancelled: dict[str, object] = {"perm_id": FIRST_PERM_ID + number}
    at = chance.uniform(0.0, 25.0)
    return (
        FaultSettings("order", rests),
        FaultSettings("cancel_order", cancelled, at, after_orders_accepted=number + 1),
    )


def _deposit(chance: Random, place: Place) -> tuple[FaultSettings, ...]:
    money = {
        "account": chance.choice(place.accounts),
        "currency": "USD",
        "amount": Decimal(chance.randint(100, 30_000)),
    }
    return (_when(chance, "cash", money),)


def _slam(chance: Random, _: Place) -> tuple[FaultSettings, ...]:
    """The socket goes, and for a while every new one is accepted and closed at once."""
    at = chance.uniform(0.001, 10.0)
    return (
        FaultSettings("drop", {}, at_seconds=at),
        FaultSettings("slam", {"seconds": chance.uniform(0.5, 20.0)}, at_seconds=at),
    )


def _sunday(chance: Random, _: Place) -> tuple[FaultSettings, ...]:
    """The gateway restarts and asks for the second factor, which comes late."""
    at, seconds = chance.uniform(0.001, 10.0), chance.uniform(0.5, 10.0)
    return (
        FaultSettings("sunday", {"seconds": seconds}, at_seconds=at),
        FaultSettings("approve_login", {}, at_seconds=at + seconds + chance.uniform(1.0, 120.0)),
    )


MAKERS: tuple[Maker, ...] = (_falls, _falls, _halts, _broker_cancels, _broker_cancels, _deposit, _slam, _sunday)


@cache
def _prices() -> dict[str, Decimal]:
    return {each.contract.symbol: each.base_price for each in build_universe()}
