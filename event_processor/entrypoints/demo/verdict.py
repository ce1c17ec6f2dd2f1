"""Was the demo right? Judged by the simulator's ledger, not by what the processor says of itself.

Three things must hold in every scenario: no orderRef was accepted twice, the event has one final state (or
waits, for a reason the ledger confirms), and what the exchange holds agrees with how the event ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.session import SessionState
from event_processor.entrypoints.demo.scene import Scene

REACHED = frozenset({Outcome.COMPLETED, Outcome.COMPLETED_ADJUSTED, Outcome.NO_CHANGE})
FELL_SHORT = frozenset({Outcome.PARTIAL, Outcome.FAILED})
ONE_SHARE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was judged."""

    ok: bool
    text: str


def judge(scene: Scene, *, must_complete: bool) -> tuple[Finding, ...]:
    """Everything that was judged; the demo succeeded when all of it is `ok`."""
    return (_placed_once(scene), _one_final_state(scene), *_ending(scene, must_complete=must_complete))


def _placed_once(scene: Scene) -> Finding:
    accepted = scene.ledger.accepted()
    twice = sorted(ref for ref, count in accepted.items() if count > 1)
    if twice:
        return Finding(ok=False, text=f"placed more than once: {', '.join(twice)}")
    if not accepted:
        return Finding(ok=True, text="no order reached the exchange")
    return Finding(ok=True, text=f"every order placed exactly once ({len(accepted)} orders)")


def _one_final_state(scene: Scene) -> Finding:
    outcomes = sorted(outcome.value for outcome in scene.finals.values())
    if len(outcomes) > 1:
        return Finding(ok=False, text=f"the event has more than one final state: {', '.join(outcomes)}")
    return Finding(
        ok=True,
        text=f"the event has exactly one final state: {outcomes[0]}" if outcomes else "the event is not final yet",
    )


def _ending(scene: Scene, *, must_complete: bool) -> Iterator[Finding]:
    record = scene.record
    if record is None:
        yield Finding(ok=False, text="the processor never accepted the event")
    elif record.outcome in REACHED:
        yield _weights(scene, record)
    elif must_complete:
        how = record.outcome.value if record.outcome else "not final"
        yield Finding(ok=False, text=f"the rebalance did not complete: {how}; {record.reason or scene.waits_for}")
    elif record.outcome is None:
        yield _waits(scene)
    else:
        yield _fell_short(scene, record, record.outcome)


def _weights(scene: Scene, record: EventRecord) -> Finding:
    """The exchange's positions against the unrounded targets of the plan."""
    positions = scene.ledger.positions(record.account)
    lines = record.plan.lines if record.plan else ()
    off = [
        f"{line.contract.symbol} {positions.get(line.contract.con_id, Decimal(0)):f} instead of {line.ideal:.2f}"
        for line in lines
        if abs(positions.get(line.contract.con_id, Decimal(0)) - line.ideal) > ONE_SHARE
    ]
    if off:
        return Finding(ok=False, text=f"further than one share from target: {'; '.join(off)}")
    return Finding(ok=True, text=f"final weights within one share of target ({len(lines)} contracts)")


def _waits(scene: Scene) -> Finding:
    """Waiting is right when there is a reason and nothing is at the exchange."""
    if scene.ledger.accepted():
        return Finding(ok=False, text="the event is not final although orders are at the exchange")
    if scene.passing:
        return Finding(ok=False, text=f"time was up while the session was {scene.session or 'not there'}")
    reason = scene.waits_for or _session_reason(scene) or _refusals(scene)
    if not reason:
        return Finding(ok=False, text="the event is not final and nobody says why")
    return Finding(ok=True, text=f"right here: the event waits, nothing was placed: {reason}")


def _session_reason(scene: Scene) -> str:
    return "" if scene.session == SessionState.READY else scene.advice


def _refusals(scene: Scene) -> str:
    refused = scene.ledger.of("order_refused")
    codes = sorted({str(entry["code"]) for entry in refused})
    return f"the exchange refused every order ({len(refused)} refusals, code {', '.join(codes)})" if refused else ""


def _fell_short(scene: Scene, record: EventRecord, outcome: Outcome) -> Finding:
    """An end short of the targets is right when the exchange shows the cause."""
    unfilled, refused = scene.ledger.unfilled(), scene.ledger.of("order_refused")
    if outcome in FELL_SHORT and (unfilled or refused):
        cause = f"{len(unfilled)} orders unfilled" if unfilled else f"{len(refused)} orders refused"
        return Finding(ok=True, text=f"right here: the exchange left {cause}; {record.reason}")
    if outcome is Outcome.REJECTED and not scene.ledger.accepted():
        return Finding(ok=True, text=f"right here: refused before anything was placed; {record.reason}")
    return Finding(ok=False, text=f"ended as {outcome.value}, which the exchange does not explain: {record.reason}")
