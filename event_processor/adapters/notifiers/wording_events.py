"""How an event ended, or why it does not start, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.words import REVIEW_ADVICE, Words
from event_processor.domain.facts import EntryDeadLettered, EventClosed, EventWaiting
from event_processor.domain.record import Outcome
from event_processor.domain.topics import Topic

ORDERS_SHOWN = 8
HOUR_SECONDS, MINUTE_SECONDS = 3_600, 60

TITLES: dict[Outcome, tuple[Urgency, str]] = {
    Outcome.COMPLETED: (Urgency.NEWS, "done"),
    Outcome.COMPLETED_ADJUSTED: (Urgency.NEWS, "done, as far as the cash went"),
    Outcome.NO_CHANGE: (Urgency.NEWS, "nothing to do"),
    Outcome.SUPERSEDED: (Urgency.NEWS, "replaced by a newer event"),
    Outcome.PARTIAL: (Urgency.SOON, "done in part"),
    Outcome.EXPIRED: (Urgency.SOON, "expired, nothing was ordered"),
    Outcome.REJECTED: (Urgency.SOON, "rejected, nothing was ordered"),
    Outcome.FAILED: (Urgency.SOON, "failed"),
    Outcome.NEEDS_REVIEW: (Urgency.NOW, "needs review"),
}


def event_message(fact: EventClosed | EventWaiting | EntryDeadLettered, words: Words) -> Message | None:
    """The message of one of these facts; None for a wait whose end nobody knows yet."""
    match fact:
        case EventClosed():
            return _closed(fact, words)
        case EventWaiting(event_id=event, until=until, reason=reason, reason_code=code, key=key):
            if until is None:
                return None
            return words.message(
                Topic.EVENTS,
                Urgency.NEWS,
                f"Event {event} waits",
                f"It is deferred until {words.at(until)}: {reason}.",
                mark=f"{key} {code} {until.isoformat()}",
            )
        case EntryDeadLettered(entry_id=entry, reason=reason):
            return words.message(
                Topic.EVENTS,
                Urgency.SOON,
                "An event could not be read",
                f"Entry {entry} was put aside whole: {reason}",
                f"Correct its producer and publish again, or put it back: `rebalancer events retry {entry}`",
            )


def stuck_message(fact: EventWaiting, words: Words) -> Message:
    """The message for a wait without a known end that has lasted."""
    return words.message(
        Topic.EVENTS,
        Urgency.SOON,
        f"Event {fact.event_id} still waits",
        f"In account {fact.account}: {fact.reason}.",
        f"`rebalancer events show {fact.event_id}` tells its story.",
        mark=f"{fact.key} {fact.reason_code}",
    )


def _closed(fact: EventClosed, words: Words) -> Message:
    urgency, ending = TITLES[fact.outcome]
    lines = [f"Account {fact.account}, after {_lasted(fact.seconds)}: {fact.reason or fact.reason_code}"]
    lines += _orders(fact.summary.get("orders", ()))
    if drift := str(fact.summary.get("residual_drift", "")):
        lines.append(f"Still to be moved: {float(drift) * 100:.2f} % of the account.")
    advice = ""
    if urgency is Urgency.NOW:
        advice = REVIEW_ADVICE
    elif urgency is Urgency.SOON:
        advice = f"`rebalancer events show {fact.event_id}` tells why. Publish the targets again under a new id."
    return words.message(
        Topic.REVIEW if urgency is Urgency.NOW else Topic.EVENTS,
        urgency,
        f"Event {fact.event_id}: {ending}",
        "\n".join(lines),
        advice,
        mark=f"{fact.key} {fact.outcome}",
    )


def _orders(orders: Sequence[Mapping[str, Any]]) -> list[str]:
    """`3 orders, 2 filled.`, and one line for each that was not filled as planned."""
    if not orders:
        return []
    short = [order for order in orders if order["filled"] != order["planned"]]
    lines = [f"{len(orders)} order{'' if len(orders) == 1 else 's'}, {len(orders) - len(short)} filled as planned."]
    for order in short[:ORDERS_SHOWN]:
        ending = order["ending"] or order["state"]
        note = f" ({order['note']})" if order["note"] else ""
        lines.append(
            f"Not reached: {order['side']} {order['symbol']} {order['filled']} of {order['planned']}, {ending}{note}"
        )
    if len(short) > ORDERS_SHOWN:
        lines.append(f"… and {len(short) - ORDERS_SHOWN} more.")
    return lines


def _lasted(seconds: float) -> str:
    if seconds < 2 * MINUTE_SECONDS:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE_SECONDS:.0f} min" if seconds < 2 * HOUR_SECONDS else f"{seconds / HOUR_SECONDS:.0f} h"
