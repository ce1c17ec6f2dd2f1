"""Orders: placing, cancelling, and the look-ups about them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway_simulator.answers.peer import Peer
from gateway_simulator.book import completed_state
from gateway_simulator.codec import open_order as order_codec
from gateway_simulator.codec import orders as codec
from gateway_simulator.codec import requests as ask
from gateway_simulator.codec import system
from gateway_simulator.events import (
    Commissioned,
    ErrorNotice,
    Event,
    Executed,
    OrderBound,
    OrderOpened,
    StatusReported,
)
from gateway_simulator.hours import ZONES
from gateway_simulator.model import Execution
from gateway_simulator.narration import standing
from gateway_simulator.working import WorkingOrder

EXECUTION_ZONE = ZoneInfo("America/New_York")
TIME = re.compile(r"(\d{8})([- ])(\d\d:\d\d:\d\d)(?: (.+))?")


class OrderAnswers:
    """One client's order messages and order reports."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._sim = peer.sim

    def place(self, request: ask.PlaceOrder) -> None:
        self._sim.desk.place(self._peer.client_id, request.order_id, request.contract, request.order)

    def cancel(self, request: ask.CancelOrder) -> None:
        self._sim.desk.cancel(self._peer.client_id, request.order_id)

    def cancel_all(self, _request: ask.ReqGlobalCancel) -> None:
        self._sim.desk.global_cancel(self._peer.client_id)

    def next_id(self, _request: ask.ReqIds) -> None:
        self._peer.send(system.next_valid_id(self._sim.desk.ids.next(self._peer.client_id)))

    def own(self, _request: ask.ReqOpenOrders) -> None:
        self._sim.desk.bind_manual_orders(self._peer.client_id)
        self._list([w for w in self._sim.view().open_orders if w.order.client_id == self._peer.client_id])

    def all(self, _request: ask.ReqAllOpenOrders) -> None:
        self._list(self._sim.view().open_orders)

    def bind(self, request: ask.ReqAutoOpenOrders) -> None:
        if self._peer.client_id != 0:
            self._peer.error(
                -1, 321, "Error validating request.-'bD' : cause - Only the client 0 can auto bind orders."
            )
        else:
            self._sim.desk.auto_bind(on=request.auto_bind)

    def _list(self, found: list[WorkingOrder]) -> None:
        for working in found:
            for event in standing(working):
                self.report(event)
        self._peer.send(codec.open_order_end())

    def completed(self, request: ask.ReqCompletedOrders) -> None:
        for working in self._sim.view().completed:
            if request.api_only and working.order.order_id == 0:
                continue
            state = completed_state(working)
            version = self._peer.server_version
            self._peer.send(
                order_codec.completed_order(version, working.contract, working.order, state, working.filled)
            )
        self._peer.send(codec.completed_orders_end())

    def executions(self, request: ask.ReqExecutions) -> None:
        since = _since(request.time)
        if since is None:
            text = f"Error validating request.-'bP' : cause - Invalid time {request.time!r}"
            self._peer.error(request.request_id, 321, text)
            return
        fills = [fill for fill in self._sim.view().fills if fill[0].time >= since and _wanted(request, fill[0])]
        for execution, _ in fills:
            self._execution(request.request_id, execution)
        self._peer.send(codec.exec_details_end(request.request_id))
        for _, commission in fills:
            self._peer.send(codec.commission_report(commission))

    def _execution(self, request_id: int, execution: Execution) -> None:
        self._peer.send(codec.exec_details(self._peer.server_version, request_id, execution, EXECUTION_ZONE))

    def report(self, event: Event) -> None:
        """Send one report about an order; other events are not this class's."""
        version = self._peer.server_version
        match event:
            case OrderOpened(order, contract, state):
                self._peer.send(order_codec.open_order(version, contract, order, state))
            case StatusReported():
                self._peer.send(_status(event))
            case Executed(execution):
                self._execution(-1, execution)
            case Commissioned(commission):
                self._peer.send(codec.commission_report(commission))
            case OrderBound(perm_id, client_id, order_id):
                self._peer.send(codec.order_bound(perm_id, client_id, order_id))
            case ErrorNotice(req_id, code, text):
                self._peer.error(req_id, code, text)
            case _:
                pass


def _status(event: StatusReported) -> list[str]:
    return codec.order_status(
        event.order_id,
        event.status,
        filled=event.filled,
        remaining=event.remaining,
        average_fill_price=event.average_price,
        perm_id=event.perm_id,
        parent_id=0,
        last_fill_price=event.last_price,
        client_id=event.client_id,
        why_held=event.why_held,
    )


def _since(text: str) -> float | None:
    """The time of an execution filter in seconds since the epoch, 0 for none; None when it cannot be read.

    `20260304-15:00:00` is UTC, `20260304 15:00:00 MET` in the zone named, by default New York's.
    """
    if not text:
        return 0.0
    found = TIME.fullmatch(text)
    zone = found and (UTC if found[2] == "-" else ZONES.get(found[4] or "US/Eastern"))
    if not found or not zone:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[3]}")
    except ValueError:
        return None
    return moment.replace(tzinfo=ZoneInfo(zone) if isinstance(zone, str) else zone).timestamp()


def _wanted(request: ask.ReqExecutions, execution: Execution) -> bool:
    contract = execution.contract
    side = {"BUY": "BOT", "SELL": "SLD"}.get(request.side.upper(), request.side.upper())
    exchanges = ("", execution.exchange, contract.exchange)
    pairs = (
        (request.account, execution.account),
        (request.symbol.upper(), contract.symbol),
        (request.sec_type, contract.sec_type),
        (side, execution.side),
    )
    if request.client_id and request.client_id != execution.client_id:
        return False
    return request.exchange in exchanges and all(wanted in ("", found) for wanted, found in pairs)
