"""Draws what happens to host and store: for three seeds in eight more than an outage, from a chance of its own, so
that the other seeds go on meaning what they meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

from event_processor.domain.weekly import GatewayHours
from gateway_simulator.settings import FaultSettings
from tests.support.process import CLIENT_ID, EPOCH
from tests.support.simulated_trouble import Jump, Outage, Second, Stall, Stop, Trouble

EVERY, TROUBLED = 8, frozenset({3, 4, 5})
STRANGERS_SHARE = 0.15
RESTART_EVERY, RESTARTED = 9, 4
UTC_ZONE = ZoneInfo("UTC")
NAME = "processor-1"
TWINS = ((NAME, CLIENT_ID), (NAME, CLIENT_ID + 1), ("processor-2", CLIENT_ID), ("processor-2", CLIENT_ID + 1))
Maker = Callable[[Random, Trouble], Trouble]


def add_trouble(seed: int, outages: tuple[Outage, ...]) -> Trouble:
    """The outages, and what else this seed has."""
    trouble = Trouble(outages=outages)
    if seed % EVERY in TROUBLED:
        chance = Random(f"trouble of seed {seed}")
        for make in chance.sample(MAKERS, chance.choice((1, 1, 2))):
            trouble = make(chance, trouble)
    return trouble


def strangers(seed: int, symbols: Sequence[str], account: str) -> tuple[FaultSettings, ...]:
    """In some troubled seeds somebody leaves an order of his own open, far from the market."""
    chance = Random(f"strangers of seed {seed}")
    if seed % EVERY not in TROUBLED or chance.random() > STRANGERS_SHARE:
        return ()
    order = {"symbol": chance.choice(symbols), "side": "BUY", "quantity": 1, "limit": 1, "account": account}
    return (FaultSettings("manual_order", order, at_seconds=chance.choice((0.001, chance.uniform(0.001, 5.0)))),)


def daily_restart(seed: int) -> tuple[GatewayHours, tuple[FaultSettings, ...]]:
    """One seed in nine runs into the gateway's daily restart, which comes on the second or a little late."""
    if seed % RESTART_EVERY != RESTARTED:
        return GatewayHours(), ()
    chance = Random(f"daily restart of seed {seed}")
    second = chance.randint(1, 40)
    restart = FaultSettings("restart", {"seconds": chance.uniform(0.5, 20.0)}, second + chance.choice((0.0, 0.2, 2.0)))
    at = (EPOCH + timedelta(seconds=second)).time()
    return GatewayHours(UTC_ZONE, at, lead=timedelta(seconds=chance.choice((1, 5, 20)))), (restart,)


def _another(chance: Random, trouble: Trouble) -> Trouble:
    """Another processor is started, by mistake perhaps under the same name or client id; in two cases of three one
    of them is stopped for a while, in the middle of whatever it does."""
    name, client_id = chance.choice(TWINS)
    another = Second(chance.choice((0.002, chance.uniform(0.002, 3.0))), name, client_id)
    stalls = tuple(_stall(chance, chance.choice((NAME, name))) for _ in range(chance.choice((0, 1, 1))))
    return replace(trouble, seconds=(another,), stalls=(*trouble.stalls, *stalls))


def _slow(chance: Random, trouble: Trouble) -> Trouble:
    return replace(trouble, stalls=(*trouble.stalls, _stall(chance, NAME)))


def _stall(chance: Random, name: str) -> Stall:
    return Stall(name, chance.randint(3, 16), chance.uniform(0.05, 40.0))


def _forgets(chance: Random, trouble: Trouble) -> Trouble:
    return replace(trouble, lost_write=chance.randint(1, 25))


def _clock(chance: Random, trouble: Trouble) -> Trouble:
    jumps = [Jump(chance.uniform(0.0, 5.0), chance.choice((5.0, 60.0, 3600.0))) for _ in range(chance.choice((1, 2)))]
    return replace(trouble, jumps=tuple(jumps))


def _person(chance: Random, trouble: Trouble) -> Trouble:
    stop = Stop(chance.uniform(0.0, 2.0), chance.uniform(0.1, 60.0), chance.choice(("all", "DU1234567")))
    return replace(trouble, stops=(stop,))


MAKERS: tuple[Maker, ...] = (_another, _another, _slow, _forgets, _clock, _person)
