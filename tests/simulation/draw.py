"""A seed becomes a whole story: accounts, events, prices, faults, deaths. The same seed, the same story."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from event_processor.application.desk import TradingSettings
from event_processor.domain.reconcile import SENDS_MAX
from event_processor.domain.weekly import GatewayHours
from gateway_simulator.settings import (
    AccountSettings,
    FaultSettings,
    HoldingSettings,
    Latency,
    MarketSettings,
    Scenario,
)
from tests.simulation.trouble import add_trouble, daily_restart, strangers
from tests.simulation.unrest import Place, unrest
from tests.support.builders import event_body
from tests.support.process import EPOCH
from tests.support.simulated_trouble import Outage, Trouble

SYMBOLS = (
    *("SPY", "TLT", "GLD", "IEF", "VTI", "VEA", "QQQ", "IWM"),
    *("AAPL", "MSFT", "AMZN", "JPM", "KO", "XOM", "DIS", "BAC"),
)
NOBODYS = "NOSUCH"
ACCOUNTS = ("DU1234567", "DU7654321")
ZONES = (UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=5)))
"""Events say their times by the clocks of different places."""
CALM_EVERY = 8
"""One seed in so many has no fault at all: it must simply succeed."""
ALWAYS = 20
"""So many orders in a row are treated alike: more than an event has."""
VANISHING = {("swallow", True), ("drop", "received"), ("drop", "accepted")}
"""What makes orders disappear before the exchange sees them: a dropped connection loses those behind it."""
LOOKUPS = ("all_open_orders", "completed_orders", "executions", "contract_details", "positions", "account_updates")


@dataclass(frozen=True, slots=True)
class Story:
    """Everything one run is made from."""

    seed: int
    scenario: Scenario
    events: tuple[tuple[float, str], ...]
    deaths: tuple[int, ...]
    trouble: Trouble
    trading: TradingSettings
    hours: GatewayHours

    @property
    def calm(self) -> bool:
        """Whether nothing is done to the processor."""
        return not (self.scenario.faults or self.deaths or self.trouble != Trouble())

    @property
    def hopeless(self) -> bool:
        """Whether an order may vanish as often as it is sent: then only a person can say what is wrong."""
        faults = [fault.parameters for fault in self.scenario.faults]
        vanish = sum(int(str(each["count"])) for each in faults if VANISHING & each.items())
        away = sum(each.get("orders") in {"lose", "reject"} for each in faults)
        return vanish + away + len(self.deaths) >= SENDS_MAX

    @property
    def asks_for_nobodys(self) -> bool:
        """Whether an event names a contract that does not exist."""
        return any(NOBODYS in body for _, body in self.events)

    @property
    def strange(self) -> bool:
        """Whether somebody else has orders of his own."""
        return any(fault.action == "manual_order" for fault in self.scenario.faults)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {len(self.events)} entries, deaths after facts {list(self.deaths)}"]
        lines += [f"  fault: {_words(fault)}" for fault in self.scenario.faults]
        lines += [f"  {one}" for one in self.trouble.words()]
        lines.append(f"  {self.scenario.latency}, prices wander {self.scenario.market.wander_bps} bps")
        return "\n".join(lines)


def _words(fault: FaultSettings) -> str:
    when = f"at {fault.at_seconds:g} s " if fault.at_seconds else ""
    when += f"after {fault.after_orders_accepted} orders " if fault.after_orders_accepted else ""
    return f"{when}{fault.action} {fault.parameters}"


def draw(seed: int) -> Story:
    """The story of a seed."""
    chance = Random(seed)
    calm = seed % CALM_EVERY == 0
    accounts = tuple(_account(chance, number) for number in ACCOUNTS[: 1 + (chance.random() < 0.3)])
    scenario = Scenario(
        name=f"seed-{seed}",
        accounts=accounts,
        market=MarketSettings(wander_bps=chance.choice((0, 0, 5, 15))),
        latency=_latency(chance),
        faults=() if calm else (*_faults(chance), *strangers(seed, SYMBOLS, accounts[0].number)),
    )
    deaths = () if calm else tuple(chance.randint(1, 60) for _ in range(chance.choice((0, 0, 0, 1, 1, 2))))
    trouble = Trouble() if calm else add_trouble(seed, _outages(chance))
    place = Place(SYMBOLS, [account.number for account in accounts])
    more = () if calm else unrest(seed, place)
    hours, restart = (GatewayHours(), ()) if calm or trouble.jumps else daily_restart(seed)
    return Story(
        seed=seed,
        scenario=replace(scenario, faults=(*scenario.faults, *restart, *more)),
        events=tuple(sorted(_events(chance, place.accounts))),
        deaths=deaths,
        trouble=trouble,
        trading=replace(TradingSettings(), order_timeout=30.0, batch=chance.choice((1, 3, 20))),
        hours=hours,
    )


def _account(chance: Random, number: str) -> AccountSettings:
    held = chance.sample(SYMBOLS, chance.randint(0, 5))
    holdings = tuple(HoldingSettings(s, Decimal(chance.randint(1, 150)), Decimal(chance.randint(5, 500))) for s in held)
    return AccountSettings(number=number, cash={"USD": Decimal(chance.randint(2_000, 120_000))}, holdings=holdings)


def _latency(chance: Random) -> Latency:
    return Latency(
        ack_ms=chance.choice((2, 5, 80)),
        fill_ms=chance.choice((10, 30, 400)),
        lookup_ms=chance.choice((0, 0, 500, 3000)),
        positions_ms=chance.choice((0, 0, 500, 3000)),
        account_ms=chance.choice((100, 100, 3000, 20_000)),
        answer_ms=chance.choice((0, 0, 50)),
    )


# events


def _events(chance: Random, accounts: Sequence[str]) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    for number in range(chance.choice((1, 1, 1, 2, 3))):
        at = number * chance.uniform(0.0, 25.0)
        body = _event(chance, chance.choice(accounts), f"event-{number}", at)
        found.append((at, json.dumps(body)))
        kind = chance.random()
        if kind < 0.10:
            found.append((at + chance.uniform(0, 40), json.dumps(body)))
        elif kind < 0.15:
            changed = {**body, "data": {**body["data"], "reason": "changed"}}
            found.append((at + chance.uniform(0, 10), json.dumps(changed)))
        elif kind < 0.20:
            found.append((at + chance.uniform(0, 10), chance.choice(("{", "[]", '{"specversion": "1.0"}'))))
    return found


def _event(chance: Random, account: str, event_id: str, at: float) -> dict[str, Any]:
    reserve = chance.choice((0, 0, 0, 5, 20))
    symbols = chance.sample(SYMBOLS, chance.randint(1, 6))
    if chance.random() < 0.03:
        symbols[0] = NOBODYS
    shares = _shares(chance, len(symbols), 100 - reserve)
    data: dict[str, Any] = {
        "targets": [{"symbol": s, "weight": share / 100} for s, share in zip(symbols, shares, strict=True)],
        "untargeted": chance.choice(("keep", "liquidate", "liquidate")),
        "cash": {"reserve": reserve / 100},
    }
    if chance.random() < 0.1:
        life = chance.randint(2, 30)
        expires_at = (EPOCH + timedelta(seconds=int(at) + life)).astimezone(ZONES[life % len(ZONES)])
        data["expires_at"] = expires_at.isoformat()
    if chance.random() < 0.05:
        data["dry_run"] = True
    return {**event_body(account=account, **data), "id": event_id}


def _shares(chance: Random, count: int, total: int) -> list[int]:
    cuts = sorted(chance.sample(range(1, total), count - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]


# faults

Maker = Callable[[Random], FaultSettings]


def _order(chance: Random, **conduct: object) -> FaultSettings:
    which = {"skip": chance.randint(0, 6), "count": chance.choice((1, 1, 2, ALWAYS))}
    return FaultSettings("order", {**which, **conduct})


def _lookup(chance: Random) -> FaultSettings:
    how = chance.choice(({"silent": True}, {"delay_ms": chance.randint(100, 9000)}, {"code": 322, "text": "Error"}))
    which = {"request": chance.choice(LOOKUPS), "count": chance.randint(1, 3)}
    return FaultSettings("lookup", {**which, **how}, at_seconds=chance.choice((0.0, chance.uniform(0.0, 6.0))))


def _doubts_in_the_dark(chance: Random) -> list[FaultSettings]:
    """The connection goes with an order out, and the look-ups that should tell fail for a while."""
    skip, how = chance.randint(0, 4), chance.choice(("accepted", "received", "acknowledged"))
    failing: dict[str, object] = {
        "request": chance.choice(LOOKUPS[:3]),
        "count": chance.choice((1, 3, 9, 27)),
        "code": 322,
        "text": "Error",
    }
    return [
        FaultSettings("order", {"skip": skip, "count": 1, "drop": how, "fill_delay_ms": chance.choice((0, 40_000))}),
        FaultSettings("lookup", failing, after_orders_accepted=max(1, skip)),
    ]


def _moment(chance: Random, action: str, **parameters: object) -> FaultSettings:
    """At some second, or once so many orders were accepted."""
    if chance.random() < 0.5:
        return FaultSettings(action, parameters, at_seconds=chance.uniform(0.001, 10.0))
    return FaultSettings(action, parameters, after_orders_accepted=chance.randint(1, 8))


ORDER_FAULTS: tuple[Maker, ...] = (
    lambda c: _order(c, drop=c.choice(("received", "accepted", "acknowledged"))),
    lambda c: _order(c, ack_lost=True),
    lambda c: _order(c, ack_twice=True),
    lambda c: _order(c, delay_ms=c.randint(50, 14_000)),
    lambda c: _order(c, executions_first=True),
    lambda c: _order(c, executions_twice=True),
    lambda c: _order(c, reports_reversed=True),
    lambda c: _order(c, fill_delay_ms=c.randint(100, 20_000)),
    lambda c: _order(c, fill_fraction=c.uniform(0.05, 0.95), rest_after_ms=c.randint(10, 20_000)),
    lambda c: _order(c, fill_fraction=c.uniform(0.05, 0.95)),
    lambda c: _order(c, never_fill=True),
    lambda c: _order(c, swallow=True),
    lambda c: _order(c, reject_code=201, reject_text="Order rejected - reason: drawn"),
)
SESSION_FAULTS: tuple[Maker, ...] = (
    _lookup,
    lambda c: _moment(c, "drop"),
    lambda c: _moment(c, "busy_client_ids", seconds=c.uniform(0.5, 5.0)),
    lambda c: _moment(c, "refuse", seconds=c.uniform(0.5, 20.0)),
    lambda c: _moment(c, "silent", seconds=c.uniform(0.5, 20.0)),
    lambda c: _moment(
        c,
        "link_down",
        seconds=c.uniform(0.01, 40.0),
        data_kept=c.random() < 0.5,
        orders=c.choice(("hold", "lose", "reject")),
    ),
    lambda c: _moment(
        c, "compete", seconds=c.uniform(1.0, 90.0), data_kept=c.random() < 0.5, orders=c.choice(("lose", "reject"))
    ),
    lambda c: _moment(c, "restart", seconds=c.uniform(0.5, 20.0), ids_back=c.choice((0, 3, 10))),
    lambda c: _moment(c, "require_login", approve_after=c.uniform(1.0, 60.0)),
)


def _faults(chance: Random) -> tuple[FaultSettings, ...]:
    found = [chance.choice(ORDER_FAULTS)(chance) for _ in range(chance.choice((0, 1, 1, 2)))]
    found += [chance.choice(SESSION_FAULTS)(chance) for _ in range(chance.choice((0, 1, 1, 2)))]
    if chance.random() < 0.15:
        found += _doubts_in_the_dark(chance)
    if chance.random() < 0.06:
        on = chance.uniform(0.0, 5.0)
        found += [
            FaultSettings("read_only", {"on": True}, at_seconds=on),
            FaultSettings("read_only", {"on": False}, at_seconds=on + chance.uniform(1.0, 40.0)),
        ]
    if chance.random() < 0.06:
        found += [
            FaultSettings("market_data", {"permission": "none"}),
            FaultSettings("market_data", {"permission": "live"}, at_seconds=chance.uniform(1.0, 40.0)),
        ]
    return tuple(found)


def _outages(chance: Random) -> tuple[Outage, ...]:
    if chance.random() > 0.25:
        return ()
    at = chance.choice((chance.uniform(0.0, 0.1), chance.uniform(0.0, 5.0)))
    return (Outage(at, chance.choice((0.003, 0.5, chance.uniform(1.0, 30.0))), chance.choice(("before", "after"))),)
