"""Defects in what is believed of the broker's answers."""

# ruff: noqa: ANN401 - a defect takes the place of whatever stands there

from __future__ import annotations

from dataclasses import replace
from typing import Any

from event_processor.adapters.ibkr import codes
from event_processor.application import deadlines, processor, recovery, session_keeper
from event_processor.domain.intent import IntentState
from event_processor.domain.order import Side
from event_processor.domain.reconcile import Decision, Verdict
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


def _shown_once_sent_again(kept: Any) -> Any:
    def decide(of: Any, sight: Any) -> Any:
        if not of.acknowledged or sight.open_orders or sight.completed or sight.executions:
            return kept(of, sight)
        back = of.to(IntentState.UNKNOWN) if of.state is IntentState.WORKING else of
        again = replace(back.to(IntentState.RECORDED), order_id=0, client_id=0)
        return Decision(Verdict.RESUBMIT, again, "not shown")

    return decide


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
        "written off unseen",
        "An event that the journal takes for untouched is closed as superseded or expired without a look.",
        (Swap(processor, "check_forgotten", idle), Swap(processor, "suspected", always(False))),
    ),
    Mutant(
        "resubmit an acknowledged order",
        "An order the broker has shown before is sent again when a look does not show it.",
        (Swap(recovery, "reconcile", _shown_once_sent_again),),
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
