"""What IBKR says about an order, in the order and with the repetitions in which it says it; pure.

Seen in logs of both clients: an accepted order is reported PreSubmitted and then Submitted, each as
`openOrder` followed by `orderStatus`; a fill gives `execDetails`, sometimes before and sometimes
after the status it leads to, which comes twice; the commission comes last.
"""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from .clock import utc
from .events import Commissioned, ErrorNotice, Event, Executed, OrderOpened, StatusReported
from .hours import ZONES
from .model import Commission, Execution, OrderState, Status
from .working import WorkingOrder


def status(working: WorkingOrder) -> StatusReported:
    """`orderStatus` as the order stands."""
    return StatusReported(
        order_id=working.order.order_id,
        status=working.status,
        filled=working.filled,
        remaining=working.remaining,
        average_price=working.average_price,
        perm_id=working.order.perm_id,
        last_price=working.last_price,
        client_id=working.order.client_id,
        why_held=working.why_held,
    )


def opened(working: WorkingOrder) -> OrderOpened:
    """`openOrder` as the order stands."""
    return OrderOpened.of(working.order, working.contract, working.state)


def standing(working: WorkingOrder) -> list[Event]:
    """`openOrder` and `orderStatus`."""
    return [opened(working), status(working)]


def acknowledged(working: WorkingOrder) -> list[Event]:
    """A new order: PreSubmitted, and Submitted as well when it has reached the exchange."""
    first: list[Event] = [
        OrderOpened.of(working.order, working.contract, OrderState(status=Status.PRE_SUBMITTED)),
        replace(status(working), status=Status.PRE_SUBMITTED),
    ]
    return first + (standing(working) if working.status is Status.SUBMITTED else [])


def out_of_hours(working: WorkingOrder, opening: float) -> list[Event]:
    """399: the order waits at IBKR until the market opens."""
    order, contract = working.order, working.contract
    zone = working.listing.time_zone
    local = utc(opening).astimezone(ZoneInfo(ZONES[zone]))
    text = (
        f"Order Message:\n{order.action} {order.total_quantity:f} {contract.symbol} "
        f"{contract.trading_class}\n"
        f"Warning: Your order will not be placed at the exchange until {local:%Y-%m-%d %H:%M:%S} {zone}."
    )
    return [ErrorNotice(order.order_id, 399, text)]


def filled(working: WorkingOrder, execution: Execution, commission: Commission, *, status_first: bool) -> list[Event]:
    """A fill, with the status told twice and the commission last."""
    told: list[Event] = [Executed(execution)]
    if status_first:
        return [*standing(working), *told, *standing(working), Commissioned(commission)]
    return [*told, *standing(working), *standing(working), Commissioned(commission)]


def cancelled(working: WorkingOrder) -> list[Event]:
    """202 and then the status."""
    return [
        ErrorNotice(working.order.order_id, 202, f"Order Canceled - reason:{working.reason}"),
        status(working),
    ]


def rejected(working: WorkingOrder, code: int, text: str) -> list[Event]:
    """The error and then the order as Inactive."""
    return [ErrorNotice(working.order.order_id, code, text), *standing(working)]


def bend(working: WorkingOrder, events: list[Event]) -> list[Event]:
    """The same reports as the order's faults have them: repeated or in reverse order."""
    conduct = working.conduct
    if conduct.executions_twice:
        events = [event for event in events for _ in range(2 if isinstance(event, Executed) else 1)]
    return events[::-1] if conduct.reports_reversed else events
