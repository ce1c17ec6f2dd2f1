"""Standing faults: rules that change what becomes of an order or of a look-up.

An order rule is looked up once, when the gateway receives an order; what all matching rules say
together is the order's `Conduct`. A look-up rule is consulted for each request of its kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .model import Contract, Order


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the gateway and the exchange treat one order; the default is faultless."""

    swallow: bool = False
    """The gateway takes the message and the exchange never sees it."""
    drop: str = ""
    """Close the client's connection: `received` (the order does not exist), `accepted`, `acknowledged`."""
    ack_lost: bool = False
    ack_twice: bool = False
    delay_ms: int = 0
    """All reports about the order come late by this much, in their order."""
    executions_first: bool = False
    executions_twice: bool = False
    reports_reversed: bool = False
    never_fill: bool = False
    fill_delay_ms: int = 0
    fill_fraction: float = 1.0
    """The share of the order that the first fill takes."""
    rest_after_ms: int | None = None
    """When the rest is filled, after the first fill; None leaves it unfilled."""
    reject_code: int = 0
    reject_text: str = ""


FAULTLESS = Conduct()


@dataclass(slots=True)
class OrderRule:
    """Which orders a change of conduct applies to: the first `count` after `skip` that match."""

    conduct: dict[str, object]
    symbol: str = ""
    side: str = ""
    client_id: int | None = None
    skip: int = 0
    count: int | None = None

    def take(self, order: Order, contract: Contract) -> bool:
        """Whether the rule applies to this order; counts it when it matches."""
        if self.count == 0:
            return False
        if self.symbol and self.symbol != contract.symbol:
            return False
        if self.side and self.side != order.action:
            return False
        if self.client_id is not None and self.client_id != order.client_id:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.count is not None:
            self.count -= 1
        return True


@dataclass(slots=True)
class LookupRule:
    """What becomes of the next `count` requests of a kind (`*` is every kind)."""

    request: str
    count: int | None = None
    silent: bool = False
    delay_ms: int = 0
    code: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one request is answered."""

    silent: bool = False
    delay_ms: int = 0
    code: int = 0
    text: str = ""


class FaultBook:
    """All standing rules."""

    def __init__(self) -> None:
        self._orders: list[OrderRule] = []
        self._lookups: list[LookupRule] = []

    def add_order_rule(self, rule: OrderRule) -> None:
        self._orders.append(rule)

    def add_lookup_rule(self, rule: LookupRule) -> None:
        self._lookups.append(rule)

    def clear(self) -> None:
        """Forget every rule; orders already taken keep their conduct."""
        self._orders.clear()
        self._lookups.clear()

    def conduct(self, order: Order, contract: Contract) -> Conduct:
        """What all matching rules make of this order; a later rule wins where two say different things."""
        conduct = FAULTLESS
        for rule in self._orders:
            if rule.take(order, contract):
                conduct = replace(conduct, **rule.conduct)  # type: ignore[arg-type]
        return conduct

    def treatment(self, request: str) -> Treatment:
        """How to answer this request; the first rule that still applies decides."""
        for rule in self._lookups:
            if rule.request in ("*", request) and rule.count != 0:
                if rule.count is not None:
                    rule.count -= 1
                return Treatment(rule.silent, rule.delay_ms, rule.code, rule.text)
        return Treatment()
