"""Everything that can be made to happen to a running simulator, by a scenario or by a person.

Each action is a method of `Actions`; its keyword parameters are the action's parameters, their
annotations say how text is read, its docstring is the help that `control --help` shows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from .clock import ManualClock
from .faults import Conduct, LookupRule, OrderRule
from .lookups import LOOKUPS
from .session import COMPETING_NOTICE_SECONDS, SECOND_FACTOR_SECONDS, SessionError

if TYPE_CHECKING:
    from .simulator import Simulator

Method = Callable[..., dict[str, object] | None]

TRUE_WORDS = {"true", "yes", "on", "1"}
FALSE_WORDS = {"false", "no", "off", "0"}
ORDER_FAULTS = {name: getattr(Conduct(), name) for name in Conduct.__dataclass_fields__}


class ActionError(Exception):
    """The action does not exist, its parameters are wrong, or it is not possible now."""


class Actions:
    """The actions of one simulator; `run` calls one by name."""

    def __init__(self, simulator: Simulator) -> None:
        self._sim = simulator

    def run(self, name: str, parameters: dict[str, object]) -> dict[str, object]:
        """Carry out an action; returns what there is to say about it. Raises ActionError."""
        method, plain = prepare(name, parameters, type(self))
        try:
            answer = method(self, **plain)
        except (SessionError, ValueError, KeyError, TypeError) as error:
            raise ActionError(f"{name}: {error}") from error
        if name not in {"advance", "status"}:
            self._sim.ledger.write("action", action=name, **{key: str(value) for key, value in parameters.items()})
        return answer or {}

    # connections

    def drop(self, *, client_id: int = -1) -> None:
        """Close the socket of one client, or of all (-1)."""
        reason = "fault: dropped"
        self._sim.reporter.drop_all(reason) if client_id < 0 else self._sim.reporter.drop(client_id, reason)

    def refuse(self, *, seconds: float = 0) -> None:
        """Refuse new connections, for some seconds or until `open`."""
        self._sim.session.shut_door("shut", seconds=seconds)

    def silent(self, *, seconds: float = 0) -> None:
        """Accept new TCP connections and never answer."""
        self._sim.session.shut_door("silent", seconds=seconds)

    def slam(self, *, seconds: float = 0) -> None:
        """Accept new TCP connections and close them at once."""
        self._sim.session.shut_door("slammed", seconds=seconds)

    def open(self) -> None:
        """Let new connections in again."""
        self._sim.session.shut_door("open")

    def busy_client_ids(self, *, seconds: float = 1) -> None:
        """Keep a client id in use (326) for some seconds after its connection has gone."""
        self._sim.reporter.busy_seconds = seconds

    # session

    def link_down(self, *, seconds: float = 0, data_kept: bool = True, orders: str = "hold") -> None:
        """1100 with the socket open; orders sent meanwhile: hold, lose or reject."""
        self._sim.session.link_down(seconds=seconds, data_kept=data_kept, orders=orders)

    def link_up(self, *, data_kept: bool = True) -> None:
        """1102, or 1101 when data subscriptions were lost."""
        self._sim.session.link_up(data_kept=data_kept)

    def compete(
        self,
        *,
        seconds: float = 0,
        every: float = COMPETING_NOTICE_SECONDS,
        orders: str = "lose",
        data_kept: bool = True,
    ) -> None:
        """The account owner logs in elsewhere: 1100 again and again, 10197 on data, until `owner_leaves`."""
        self._sim.session.compete(seconds=seconds, every=every, orders=orders, data_kept=data_kept)

    def owner_leaves(self, *, data_kept: bool = True) -> None:
        """The account owner logs out."""
        self._sim.session.owner_leaves(data_kept=data_kept)

    def require_login(
        self, *, timeout: float = SECOND_FACTOR_SECONDS, door: str = "silent", approve_after: float = 0
    ) -> None:
        """Log the gateway out; it waits for the second factor until `timeout`."""
        self._sim.session.require_login(timeout=timeout, door=door, approve_after=approve_after)

    def approve_login(self) -> None:
        """Approve the pending second factor."""
        self._sim.session.approve_login()

    def restart(self, *, seconds: float = 5, ids_back: int = 0, login: bool = False, door: str = "shut") -> None:
        """The gateway's own restart: sockets close, it is back after some seconds (`login`: logged out)."""
        if ids_back:
            self._sim.desk.move_ids_back(ids_back)
        self._sim.session.restart(seconds=seconds, login=login, door=door)

    def sunday(self, *, seconds: float = 5) -> None:
        """The weekly re-authentication: a restart after which the second factor is needed."""
        self.restart(seconds=seconds, login=True)

    def read_only(self, *, on: bool = True) -> None:
        """Switch the gateway's read-only API setting."""
        self._sim.desk.read_only = on

    # orders and look-ups

    def order(
        self,
        *,
        symbol: str = "",
        side: str = "",
        client_id: int | None = None,
        skip: int = 0,
        count: int | None = None,
        conduct: dict[str, object] | None = None,
    ) -> None:
        """Treat the next matching orders otherwise; at least one fault must be named."""
        if not conduct:
            raise ValueError(f"say at least one of {', '.join(ORDER_FAULTS)}")
        if conduct.get("drop") not in (None, "received", "accepted", "acknowledged"):
            raise ValueError("drop is one of received, accepted, acknowledged")
        self._sim.faults.add_order_rule(OrderRule(conduct, symbol, side, client_id, skip, count))

    def lookup(
        self,
        *,
        request: str = "*",
        count: int | None = None,
        silent: bool = False,
        delay_ms: int = 0,
        code: int = 0,
        text: str = "",
    ) -> None:
        """Never answer the next look-ups of a kind (`silent`), answer late, or fail them with a code."""
        if request not in {"*", *LOOKUPS.values()}:
            raise ValueError(f"request is one of *, {', '.join(sorted(LOOKUPS.values()))}")
        self._sim.faults.add_lookup_rule(LookupRule(request, count, silent, delay_ms, code, text))

    def clear_faults(self) -> None:
        """Forget all `order` and `lookup` rules."""
        self._sim.faults.clear()

    def release(self, *, symbol: str = "") -> dict[str, object]:
        """Let never-filling orders fill now."""
        return {"released": self._sim.floor.release(symbol)}

    def auction(self) -> dict[str, object]:
        """Hold an auction now for orders that wait for one (MOC, LOC, OPG)."""
        waiting = [working for working in self._sim.book.working() if self._sim.floor.for_auction(working)]
        for working in waiting:
            self._sim.floor.auction(working)
        return {"orders": len(waiting)}

    def cancel_order(self, *, perm_id: int, reason: str = "cancelled by the broker") -> None:
        """The broker cancels a working order by itself."""
        found = [working for working in self._sim.book.working() if working.order.perm_id == perm_id]
        if not found:
            raise KeyError(f"no working order has the permId {perm_id}")
        self._sim.floor.end(found[0], reason)

    def manual_order(
        self, *, symbol: str, side: str, quantity: Decimal, limit: Decimal | None = None, account: str = ""
    ) -> dict[str, object]:
        """A person places an order in the gateway's own window."""
        contract = self._sim.universe.by_symbol(symbol, sec_type="STK").contract
        return {"permId": self._sim.desk.place_manually(contract, side, quantity, limit, account)}

    # market and accounts

    def price(self, *, symbol: str, price: Decimal, currency: str = "", sec_type: str = "STK") -> None:
        """Set the price of a contract."""
        listing = self._sim.universe.by_symbol(symbol, currency, sec_type)
        self._sim.market.set_price(listing.contract.con_id, price)

    def halt(self, *, symbol: str, on: bool = True) -> None:
        """Halt a contract, or end its halt."""
        listing = self._sim.universe.by_symbol(symbol, sec_type="STK")
        self._sim.market.set_halted(listing.contract.con_id, halted=on)

    def market_data(self, *, permission: str) -> None:
        """Change the market data permission: live, delayed or none."""
        if permission not in {"live", "delayed", "none"}:
            raise ValueError("permission is one of live, delayed, none")
        self._sim.data_permission = permission

    def rate(self, *, currency: str, in_dollars: Decimal) -> None:
        """Set an exchange rate: the value of one unit in US dollars."""
        self._sim.bank.rates.set(currency, in_dollars)

    def cash(self, *, account: str, currency: str, amount: Decimal) -> None:
        """Deposit money, or with a negative amount withdraw it."""
        self._sim.bank.adjust_cash(account, currency, amount)

    # the run

    def advance(self, *, seconds: float) -> dict[str, object]:
        """Move the clock, when the simulator runs on a manual one."""
        if not isinstance(self._sim.clock, ManualClock):
            raise TypeError("the simulator runs on the clock of this machine; start it with --manual-clock")
        ran = self._sim.advance(self._sim.clock.now() + seconds)
        return {"now": self._sim.clock.now(), "happened": ran}

    def status(self) -> dict[str, object]:
        """Where the session stands, and the run in numbers."""
        return {
            "session": str(self._sim.session.state),
            "door": str(self._sim.session.door),
            "clients": [client.client_id for client in self._sim.reporter.clients],
            "time": self._sim.clock.now(),
            **self._sim.ledger.summary(),
        }


def catalogue(kind: type[Actions] = Actions) -> dict[str, Method]:
    """Action name -> method, in the order in which they are written; `kind` may know more than the simulator."""
    found = {name: value for part in reversed(kind.__mro__) for name, value in vars(part).items()}
    return {name: value for name, value in found.items() if not name.startswith("_") and name != "run"}


def prepare(name: str, given: dict[str, object], kind: type[Actions] = Actions) -> tuple[Method, dict[str, object]]:
    """The method of an action and its parameters as it wants them; raises ActionError in words."""
    known_actions = catalogue(kind)
    method = known_actions.get(name)
    if method is None:
        raise ActionError(f"unknown action {name!r}; known are {', '.join(sorted(known_actions))}")
    known = {key: _kind(str(value.annotation)) for key, value in _parameters(method).items()}
    faults = {key: type(value) for key, value in ORDER_FAULTS.items()} if name == "order" else {}
    unknown = sorted(set(given) - set(known) - set(faults))
    if unknown:
        names = ", ".join([*known, *faults]) or "none"
        raise ActionError(f"{name} has no parameter {', '.join(unknown)}; it knows {names}")
    missing = [key for key, value in _parameters(method).items() if value.default is value.empty and key not in given]
    if missing:
        raise ActionError(f"{name} needs {', '.join(missing)}")
    try:
        plain = {key: _convert(key, value, known[key]) for key, value in given.items() if key in known}
        conduct = {key: _convert(key, value, faults[key]) for key, value in given.items() if key in faults}
    except ValueError as error:
        raise ActionError(f"{name}: {error}") from error
    return method, plain | ({"conduct": conduct} if conduct else {})


def parameter_names(name: str, kind: type[Actions] = Actions) -> list[str]:
    """What a person can say with an action."""
    return [*_parameters(catalogue(kind)[name]), *(ORDER_FAULTS if name == "order" else [])]


def _parameters(method: Method) -> dict[str, inspect.Parameter]:
    """The parameters a person can give."""
    parameters = inspect.signature(method).parameters
    return {key: value for key, value in parameters.items() if key not in {"self", "conduct"}}


def _kind(annotation: str) -> type:
    kinds: dict[str, type] = {"int": int, "float": float, "bool": bool, "Decimal": Decimal}
    return kinds.get(annotation.removesuffix(" | None"), str)


def _convert(name: str, value: object, kind: type) -> object:
    text = str(value)
    if kind is bool:
        if text.lower() not in TRUE_WORDS | FALSE_WORDS:
            raise ValueError(f"{name} is {text!r}, but must be true or false")
        return text.lower() in TRUE_WORDS
    if kind is type(None):
        kind = int
    try:
        number = kind(text)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"{name} is {text!r}, but must be a {kind.__name__.lower()}") from error
    return number
