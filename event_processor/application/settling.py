"""Writes a person's word on a doubt down, acts on it, and lifts the hold when no doubt is left in the account.

In this order, so that a crash anywhere is healed by asking again: the settlement, the event that resubmits, the
lifting of the hold. Each is harmless when repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from event_processor.application.comparison import Account, ask, held, look
from event_processor.application.desk import Desk
from event_processor.domain.facts import DoubtSettled, TradingPauseChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.reconcile import Sight
from event_processor.domain.settlement import (
    Question,
    Resolution,
    Settlement,
    executed,
    follow_up,
    follow_up_id,
    objection,
    overtaken_by,
    shown,
    still_open,
)
from event_processor.ports import Events


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for: this resolution of the order or event `subject` in this account."""

    account: AccountId
    resolution: Resolution
    subject: str
    by: str


async def settle(desk: Desk, events: Events, wish: Wish) -> dict[str, Any]:
    """The answer to a wish, in plain values; `ok` is false when it was refused, and then nothing was changed.

    Raises PlanError, BrokerUnavailable, StoreUnavailable."""
    seen = await look(desk, wish.account, await ask(desk))
    question = next((q for q in seen.held.asked if q.subject == wish.subject), None)
    before = next((one for one in reversed(seen.held.settled) if one.subject == wish.subject), None)
    if question is None:
        return _known(before, wish) or _refused(_unasked(seen, wish))
    before = seen.held.settlement(question)
    if before is None and (reason := _objection(seen, question, wish, desk)):
        return _refused(f"{wish.subject}: {reason}")
    mine = _settlement(seen, question, wish, desk)
    written = before or await desk.journal.settle(wish.account, mine)
    if not written.same_as(mine):
        return _refused(_taken(written))
    if written == mine:
        _tell(desk, question, written)
    words = [_done(written, repeated=written != mine)]
    if written.follow_up and question.intent is not None:
        await events.publish(follow_up(question.record, question.intent))
        words.append(f"event {written.follow_up} orders what is missing (rebalancer events show {written.follow_up})")
    return _answer(written, [*words, await _lift(desk, wish.account)])


def _known(before: Settlement | None, wish: Wish) -> dict[str, Any] | None:
    """The answer for what was settled before, with the hold lifted since."""
    if before is None:
        return None
    if before.resolution is not wish.resolution:
        return _refused(_taken(before))
    return _answer(before, [_done(before, repeated=True)])


def _answer(written: Settlement, words: Sequence[str]) -> dict[str, Any]:
    return {
        "ok": True,
        "message": "; ".join(words),
        "key": written.key,
        "subject": written.subject,
        "resolution": str(written.resolution),
        "by": written.by,
        "at": written.at.isoformat(),
        "shown": written.shown,
        "filled": f"{written.filled:f}",
        "follow_up": written.follow_up,
    }


def _refused(message: str) -> dict[str, Any]:
    return {"ok": False, "message": f"{message}. Nothing was changed", "reason_code": "not_settled"}


def _unasked(seen: Account, wish: Wish) -> str:
    pause, asked = seen.held.pause, seen.held.asked
    if pause is None:
        return f"{seen.account} is not held: there is nothing to settle"
    if not asked:
        return (
            f"the hold of {seen.account} names no event ({pause.reason}); when you have looked, lift it with: "
            f"rebalancer resume {seen.account}"
        )
    subjects = ", ".join(question.subject for question in asked)
    return f"{wish.subject!r} is nothing that has to be settled in {seen.account}; it is: {subjects}"


def _taken(before: Settlement) -> str:
    when = f"{before.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{before.subject} was settled before as {before.resolution}, by {before.by} at {when}; that stays"


def _objection(seen: Account, question: Question, wish: Wish, desk: Desk) -> str:
    """Why the evidence, or what else waits in the account, speaks against it; empty when nothing does."""
    if question.intent is None:
        return _event_objection(seen, question, wish)
    found = objection(wish.resolution, question.intent, seen.sight(question.record, question.intent))
    newer = overtaken_by(seen.events, desk.clock.now())
    if not found and wish.resolution is Resolution.RESUBMIT and newer is not None:
        return (
            f"the newer event {newer.event.id} waits and will order whatever its targets still need; "
            f"settle this with --abandon {wish.subject}"
        )
    return found


def _event_objection(seen: Account, question: Question, wish: Wish) -> str:
    if wish.resolution is not Resolution.ACCEPT:
        return f"this is an event, not an order: it is settled by --accept {wish.subject}"
    alive = ", ".join(report.order_ref for report in still_open(question.record, seen.evidence))
    closed = question.record.outcome is not None
    return f"orders of it are still open at the broker ({alive}): positions may move yet" if alive and closed else ""


def _settlement(seen: Account, question: Question, wish: Wish, desk: Desk) -> Settlement:
    intent = question.intent
    sight: Sight | None = seen.sight(question.record, intent) if intent is not None else None
    holdings = (f"{p.quantity:f} {p.contract.symbol}" for p in seen.positions)
    return Settlement(
        mark=question.mark,
        key=question.record.key,
        subject=question.subject,
        resolution=wish.resolution,
        by=wish.by,
        at=desk.clock.now(),
        shown=(shown(sight) or "nothing") if sight is not None else f"positions: {', '.join(holdings) or 'none'}",
        filled=executed(sight) if sight is not None else Decimal(0),
        follow_up=follow_up_id(intent) if intent is not None and wish.resolution is Resolution.RESUBMIT else "",
    )


def _tell(desk: Desk, question: Question, written: Settlement) -> None:
    record = question.record
    desk.observer.observe(
        DoubtSettled(
            key=record.key,
            event_id=record.event.id,
            account=record.account,
            subject=written.subject,
            resolution=str(written.resolution),
            by=written.by,
            shown=written.shown,
            follow_up=written.follow_up,
        )
    )


def _done(written: Settlement, *, repeated: bool) -> str:
    what = {
        Resolution.ADOPT: f"what the broker shows counts ({written.shown})",
        Resolution.ABANDON: "it is taken for never placed",
        Resolution.RESUBMIT: "it is taken for over, and ordered anew",
        Resolution.ACCEPT: "the positions count as they are",
    }[written.resolution]
    before = f" already, by {written.by} at {written.at:%Y-%m-%d %H:%M:%S} UTC" if repeated else ""
    alive = written.resolution is Resolution.ADOPT and written.shown.startswith("open")
    still = ". It was still open then: an event that trades its contract meanwhile ends with foreign_orders"
    return f"{written.subject} is settled{before}: {what}{still if alive else ''}"


async def _lift(desk: Desk, account: AccountId) -> str:
    """Lift the account's hold if nothing in it is unsettled; what became of it, in words."""
    now = await held(desk, account)
    if now.pause is None:
        return f"{account} is not held"
    if now.unsettled:
        left = ", ".join(question.subject for question in now.unsettled)
        return f"{account} stays held until these are settled, too: {left}"
    if not await desk.journal.lift(now.pause):
        return f"{account} was held anew meanwhile: rebalancer reconcile {account}"
    reading = desk.pauses.reading()
    desk.pauses.replace(await desk.journal.pauses(), reading)
    desk.observer.observe(TradingPauseChanged(scope=account, paused=False, reason=now.pause.reason))
    desk.bell.ring()
    return f"the hold of {account} is lifted"
