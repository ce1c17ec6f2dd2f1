"""Defects in what is believed of the broker's answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from event_processor.adapters.ibkr import codes
from event_processor.application import deadlines, executor, recovery, session_keeper
from event_processor.domain import intent
from event_processor.domain.order import Side
from event_processor.domain.reports import Evidence, NoticeKind
from event_processor.errors import BrokerUnavailable
from tests.mutants.mutant import Mutant, Swap, always, idle
from tests.support import engine_words as words


def _at_once(kept: Any) -> Any:
    async def look(self: Any) -> Any:
        found = await kept(self)
        return found and replace(found, absence_counts=True)

    return look


def _position_as_hoped(kept: Any) -> Any:
    def decide(of: Any, sight: Any) -> Any:
        sign = 1 if of.leg.side is Side.BUY else -1
        return kept(of, replace(sight, position=sight.held_before + sign * of.filled))

    return decide


def _nothing_there(kept: Any) -> Any:
    async def evidence(self: Any, *age: float) -> Evidence:
        try:
            found: Evidence = await kept(self, *age)
        except BrokerUnavailable:
            return Evidence(self._clock.now(), (), (), ())
        return found

    return evidence


def _deaf_to_interruptions(kept: Any) -> Any:
    async def doubt(self: Any, reason: str, which: Any) -> None:
        if not reason.startswith("the session"):
            await kept(self, reason, which)

    return doubt


def _without_tif(kept: Any) -> Any:
    return lambda order: (kept(order)[0], replace(kept(order)[1], tif=""))


MUTANTS = (
    Mutant(
        "trust the local Cancelled",
        "Notice 10349 ends the intent, as clients that mark the order cancelled do (orders go without a tif, so that "
        "the gateway gives the notice).",
        (
            Swap(codes, "_ORDER_CODES", lambda kept: {**kept, 10349: NoticeKind.CANCELLED, 399: NoticeKind.CANCELLED}),
            Swap(words, "to_engine", _without_tif),
        ),
    ),
    Mutant(
        "a failed look-up is empty",
        "When the broker's orders cannot be read, there are none.",
        (Swap(session_keeper.SessionKeeper, "evidence", _nothing_there),),
    ),
    Mutant(
        "absence believed at once",
        "What the first look does not show was never sent: no visibility delay.",
        (Swap(recovery.Doubts, "look", _at_once),),
    ),
    Mutant(
        "position not asked",
        "An order is believed absent although the position has moved (and without the visibility delay, which alone "
        "would make up for it).",
        (Swap(recovery, "reconcile", _position_as_hoped), Swap(recovery.Doubts, "look", _at_once)),
    ),
    Mutant(
        "resubmit an acknowledged order",
        "An order the broker has once shown may be sent again when it is no longer shown.",
        (Swap(intent.OrderIntent, "acknowledged", lambda _: property(lambda _: False)),),
    ),
    Mutant(
        "deaf to interruptions",
        "After an interrupted session everything is believed to have gone on as before.",
        (Swap(executor.Executor, "_doubt", _deaf_to_interruptions),),
    ),
    Mutant(
        "wait without bound", "Nothing is done about orders that stay open.", (Swap(deadlines.Deadlines, "act", idle),)
    ),
    Mutant(
        "silence is patience",
        "An order that was never answered is waited for without end.",
        (Swap(deadlines.Deadlines, "silent", always(frozenset())),),
    ),
)
