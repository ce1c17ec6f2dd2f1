"""The judge of the scenarios: believes the simulator's ledger and the streams, never what the processor says.

What a completed event should have led to is worked out here once more, from the event, the account as the
ledger shows it at the start, and the simulator's prices.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway_simulator import scenario
from gateway_simulator.model import Contract
from gateway_simulator.settings import Scenario
from gateway_simulator.universe import Listing, build_universe
from tests.support.stack import DEAD, EVENTS, NOT_FINAL, OUTCOMES, Entry, Stack

MESSAGES_PER_SECOND_MAX = 50
SLIPPAGE = Decimal("0.005")
"""The default policy lets prices take this share of what is bought out of the reserve."""
COST = Decimal("0.001")
"""What spread and commission may take of what is traded."""
REACHED = {"completed", "no_change"}
ZERO = Decimal(0)
_UNIVERSE = build_universe()


def check_ledger(
    stack: Stack, finals: Mapping[str, str], *, dead: int = 0, refused: int = 0, reached: bool = True
) -> None:
    """Fail unless each event came to the one end named here and the ledger shows that the rules were kept.

    `dead` letters and `refused` orders must be as many as said; `reached` is whether events that completed
    are held against the positions (not after somebody else has traded).
    """
    stack.until(lambda: not _pending(stack), "every entry being acknowledged", seconds=10)
    problems = [*_orders(stack, refused), *_finals(stack, finals), *_dead_letters(stack, dead)]
    if reached and not problems:
        problems += [problem for event_id in finals for problem in _reached(stack, event_id, finals)]
    assert problems == [], stack.story("\n".join(problems))


def _pending(stack: Stack) -> int:
    """Entries of the event stream that are not acknowledged, or were never handed out."""
    if not stack.redis.exists(EVENTS):
        return 0
    groups: Any = stack.redis.xinfo_groups(EVENTS)
    length: Any = stack.redis.xlen(EVENTS)
    if not groups:
        return int(length)
    later: Any = stack.redis.xrange(EVENTS, f"({groups[0]['last-delivered-id']}", "+")
    return int(groups[0]["pending"]) + len(later)


def _orders(stack: Stack, refused: int) -> Iterator[str]:
    ours = [order for order in stack.ledger("order_accepted") if order["clientId"] != 0]
    yield from (
        f"an order without tif, account or orderRef: {order}"
        for order in ours
        if not (order["tif"] == "DAY" and order["account"] and order["orderRef"])
    )
    yield from _repeated(ours, "orderRef")
    yield from _repeated(ours, "clientId", "orderId")
    refusals = [order for order in stack.ledger("order_refused") if order["code"] != 326]
    if len(refusals) != refused:
        yield f"{len(refusals)} orders were refused, not {refused}: {refusals}"
    busiest = stack.control("status")["max_messages_per_second"]
    if any(count > MESSAGES_PER_SECOND_MAX for count in busiest.values()):
        yield f"more than {MESSAGES_PER_SECOND_MAX} messages in one second: {busiest}"
    failed = stack.ledger("fault_failed")
    if failed:
        yield f"the scenario did not happen as written: {failed}"


def _repeated(orders: list[Entry], *names: str) -> Iterator[str]:
    """What must name one order, and names several."""
    named: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for order in orders:
        named[tuple(order[name] for name in names)].append(order["permId"])
    for name, perm_ids in named.items():
        if len(perm_ids) > 1:
            yield f"{' and '.join(names)} {name} was accepted {len(perm_ids)} times: {perm_ids}"


def _finals(stack: Stack, finals: Mapping[str, str]) -> Iterator[str]:
    """The outcome stream, as a reader sees it that drops what it has read before by its id."""
    entries: Any = stack.redis.xrange(OUTCOMES)
    told: dict[str, Entry] = {}
    for _, fields in entries:
        envelope = json.loads(fields["event"])
        if told.setdefault(envelope["id"], envelope) != envelope:
            yield f"outcome {envelope['id']} was published with two contents"
        if envelope["type"] != f"rebalance.{envelope['data']['outcome']}.v1":
            yield f"type and outcome disagree: {envelope}"
    kinds: dict[str, list[str]] = defaultdict(list)
    for envelope in told.values():
        kinds[envelope["data"]["event_id"]].append(envelope["data"]["outcome"])
    for event_id, expected in finals.items():
        final = [kind for kind in kinds[event_id] if kind not in NOT_FINAL]
        if final != [expected]:
            yield f"{event_id} ended as {final}, not {expected}"
        elif kinds[event_id][-1] != expected:
            yield f"{event_id}: something came after its end: {kinds[event_id]}"
    for event_id in kinds.keys() - finals.keys():
        yield f"{event_id} was not expected: {kinds[event_id]}"


def _dead_letters(stack: Stack, dead: int) -> Iterator[str]:
    letters: Any = stack.redis.xrange(DEAD)
    if len(letters) != dead:
        yield f"{len(letters)} dead letters, not {dead}: {letters}"
    for _, letter in letters:
        source: Any = stack.redis.xrange(EVENTS, letter["entry_id"], letter["entry_id"])
        if set(letter) != {"event", "reason", "entry_id", "at"} or not letter["reason"]:
            yield f"a dead letter lacks something: {letter}"
        elif source and source[0][1].get("event", letter["event"]) != letter["event"]:
            yield f"dead letter {letter['entry_id']} is not whole"


@dataclass
class _Account:
    """One account as the ledger shows it just before the first order of an event."""

    cash: dict[str, Decimal]
    held: dict[int, Decimal]


def _reached(stack: Stack, event_id: str, finals: Mapping[str, str]) -> Iterator[str]:
    """Positions within one share of target at the event's end, money by the account's ledger."""
    data = stack.published[event_id]["data"] if event_id in stack.published else None
    if finals[event_id] not in REACHED or data is None or data.get("dry_run"):
        return
    final = stack.wait_outcome(event_id, finals[event_id])
    refs = {order["order_ref"] for order in final.get("orders", ())}
    entries = stack.ledger()
    numbers = [entry["seq"] for entry in entries if entry.get("orderRef") in refs]
    first = min(numbers, default=len(entries) + 1)
    trades = [entry["seq"] for entry in entries if entry["kind"] == "execution" and entry["orderRef"] in refs]
    last = max(trades, default=0)
    account = final["account"]
    before = _books([e for e in entries if e["seq"] < first and e.get("account") == account])
    after = _books([e for e in entries if e["seq"] <= max(last, first) and e.get("account") == account])
    prices = _Prices(stack)
    mine = [entry for entry in entries if entry["kind"] == "execution" and entry["orderRef"] in refs]
    traded = sum((Decimal(e["shares"]) * Decimal(e["price"]) * prices.rate(e["currency"]) for e in mine), ZERO)
    wanted, basis = prices.targets(data, before)
    for con_id, target in wanted.items():
        held = after.held.get(con_id, ZERO)
        if abs(held - target) > 1 + (traded * COST + 1) / prices.value(con_id):
            yield f"{event_id}: {prices.symbol(con_id)} {held} held, {target:.3f} wanted"
    for con_id in (before.held.keys() | after.held.keys()) - wanted.keys():
        if before.held.get(con_id) != after.held.get(con_id):
            yield f"{event_id}: {prices.symbol(con_id)} was to be left alone"
    yield from _money(event_id, data, final, mine, prices, before, basis)


def _money(
    event_id: str, data: Entry, final: Entry, mine: list[Entry], prices: _Prices, before: _Account, basis: Decimal
) -> Iterator[str]:
    """Cash never below the reserve by more than slippage, trade by trade; the commission as it was charged."""
    cash = sum((amount * prices.rate(currency) for currency, amount in before.cash.items()), ZERO)
    reserve = Decimal(str(data.get("cash", {}).get("reserve", 0))) * basis
    floor, bought, paid = min(cash, reserve), ZERO, ZERO
    for trade in mine:
        rate = prices.rate(trade["currency"])
        amount = Decimal(trade["shares"]) * Decimal(trade["price"]) * rate
        fee = Decimal(trade["commission"]) * prices.rate(trade["commissionCurrency"])
        cash += (amount if trade["side"] == "SLD" else -amount) - fee
        bought += amount if trade["side"] == "BOT" else ZERO
        paid += fee
        if trade["side"] == "BOT" and cash < floor - bought * (SLIPPAGE + COST) - 1:
            yield f"{event_id}: cash fell to {cash:.2f}, the reserve is {reserve:.2f}"
    if final.get("commission_complete") and abs(Decimal(final["commission"]) - paid) > Decimal("0.02"):
        yield f"{event_id}: {final['commission']} commission told, {paid} charged"


def _books(entries: list[Entry]) -> _Account:
    cash = {e["currency"]: Decimal(e["amount"]) for e in entries if e["kind"] == "cash"}
    held = {int(e["conId"]): Decimal(e["quantity"]) for e in entries if e["kind"] == "position"}
    return _Account(cash, {con_id: quantity for con_id, quantity in held.items() if quantity})


class _Prices:
    """What things are worth at the simulator, in US dollars, and what an event asks for."""

    def __init__(self, stack: Stack) -> None:
        chosen = scenario.load(stack.scenario)
        self._rates = {"USD": Decimal(1), **chosen.rates}
        self._set = {_UNIVERSE.by_symbol(name, sec_type="STK").contract.con_id: p for name, p in _set(stack, chosen)}

    def rate(self, currency: str) -> Decimal:
        return self._rates[currency]

    def symbol(self, con_id: int) -> str:
        return _UNIVERSE.by_con_id(con_id).contract.symbol

    def value(self, con_id: int) -> Decimal:
        """One share, or one option contract."""
        listing = _UNIVERSE.by_con_id(con_id)
        contract = listing.contract
        price = self._set.get(con_id, listing.base_price) * Decimal(contract.multiplier or 1)
        return price * self.rate(contract.currency)

    def targets(self, data: Entry, before: _Account) -> tuple[dict[int, Decimal], Decimal]:
        """Shares wanted by conId, and the money that weights are shares of."""
        named = {_listing(line).contract.con_id: line for line in data["targets"]}
        worth = {con_id: quantity * self.value(con_id) for con_id, quantity in before.held.items()}
        stocks = {con_id for con_id in worth if _UNIVERSE.by_con_id(con_id).contract.sec_type == "STK"}
        liquidate = data.get("untargeted") == "liquidate"
        kept = sum((value for con_id, value in worth.items() if con_id not in (stocks if liquidate else named)), ZERO)
        cash = sum((amount * self.rate(currency) for currency, amount in before.cash.items()), ZERO)
        basis = cash + sum(worth.values(), ZERO) - (ZERO if data.get("completeness") == "partial" else kept)
        wanted = {con_id: ZERO for con_id in stocks if liquidate}
        return wanted | {con_id: self._wanted(con_id, line, basis) for con_id, line in named.items()}, basis

    def _wanted(self, con_id: int, line: Entry, basis: Decimal) -> Decimal:
        if "quantity" in line:
            return Decimal(str(line["quantity"])) // 1
        if "value" in line:
            return Decimal(str(line["value"])) * self.rate(_listing(line).contract.currency) / self.value(con_id)
        return Decimal(str(line["weight"])) * basis / self.value(con_id)


def _set(stack: Stack, chosen: Scenario) -> list[tuple[str, Decimal]]:
    by_hand = stack.ledger("action", action="price")
    return [*chosen.market.prices.items(), *((e["symbol"], Decimal(e["price"])) for e in by_hand)]


def _listing(line: Entry) -> Listing:
    if "con_id" in line:
        return _UNIVERSE.by_con_id(line["con_id"])
    asked = Contract(
        symbol=line["symbol"],
        currency=line.get("currency", "USD"),
        sec_type="STK",
        primary_exchange=line.get("primary_exchange", ""),
    )
    (found,) = _UNIVERSE.match(asked)
    return found
