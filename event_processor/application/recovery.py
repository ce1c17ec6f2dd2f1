"""Looking before believing: settles doubtful intents by what the broker shows, and only by that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from event_processor.application import telling
from event_processor.application.desk import Desk
from event_processor.application.run import Run
from event_processor.domain.fold import fold_commission, fold_execution, fold_order
from event_processor.domain.ids import AccountId, ConId, OrderRef, published_at, run_digest
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.reconcile import Decision, Sight, Verdict, belongs, doubled, reconcile, sight_of
from event_processor.domain.record import EventRecord
from event_processor.domain.reports import Evidence, OrderReport
from event_processor.errors import OutcomeUnknown

_LOOK_AGAIN_SECONDS = 1.0
_REFUSALS_RECALLED = 50
"""Events of an account; the broker lists an order for a day."""
TWICE = "the broker shows more than one order with this orderRef"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the broker showed; `absence_counts` says whether it came late enough to prove absence,
    `long_over` names the legs that had been done for long enough when it began to be shown as done."""

    evidence: Evidence
    positions: Mapping[ConId, Decimal]
    absence_counts: bool
    long_over: frozenset[int]


def glance(evidence: Evidence) -> Look:
    """A look that proves what it shows, and nothing else."""
    return Look(evidence, {}, absence_counts=False, long_over=frozenset())


class Doubts:
    """The doubtful intents of one run. The first look comes at once and adopts what it finds; absence is
    concluded only from a second look after the visibility delay, and after a bound a person is asked."""

    def __init__(self, run: Run) -> None:
        self._run, self._desk = run, run.desk
        self._held = {line.contract.con_id: line.held for line in run.plan.lines}
        self._over: dict[int, float] = {}
        self._began = self._next_look = 0.0
        self._looks = 0
        self._told: dict[str, tuple[Verdict, str]] = {}
        self.first_look_due = False

    def begin(self) -> None:
        """Something was out when we stopped hearing: look, and start the clocks anew."""
        self._began = self._desk.clock.monotonic()
        self._next_look, self._looks = self._began, 0
        self.first_look_due = True

    def contradicted(self) -> None:
        """The broker shows what our books deny. Each look shows it again: that is looked into when the next is due."""
        due = self._next_look
        self.begin()
        self._next_look = max(due, self._began)

    def next_look_in(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._next_look - self._desk.clock.monotonic())

    async def look(self) -> Look | None:
        """One more look at the broker, if one is due. Raises BrokerUnavailable when it fails."""
        now = self._desk.clock.monotonic()
        if now < self._next_look:
            return None
        self._next_look = now + _LOOK_AGAIN_SECONDS
        delay = self._desk.settings.visibility_delay
        counts = self._looks > 0 and now - self._quiet_since() >= delay
        over = frozenset(leg for leg, since in self._over_since(now).items() if now - since >= delay)
        evidence = await self._desk.session.evidence()
        positions = await self._positions(fresh=counts)
        self._looks += 1
        self.first_look_due = False
        return Look(evidence, positions, counts, over)

    def judge(self, intents: Sequence[OrderIntent], look: Look) -> list[OrderIntent]:
        """The intents as the look leaves them. Everything heard before the look must be folded in already."""
        return [self._settle(intent, look) for intent in intents]

    async def complete(self, intents: Sequence[OrderIntent]) -> list[OrderIntent]:
        """Add executions that we missed to intents that are done."""
        evidence = await self._desk.session.evidence()
        return [_with_trades(intent, evidence) for intent in intents]

    def _over_since(self, now: float) -> dict[int, float]:
        """Since when, as far as these looks know, each done intent has been done."""
        done = {i.leg.number for i in self._run.intents if i.state is IntentState.DONE}
        self._over = {leg: self._over.get(leg, now) for leg in done}
        return self._over

    def _quiet_since(self) -> float:
        """What is sent meanwhile is not in doubt, and starts no clock of what is."""
        return max(self._began, self._desk.session.ready_since)

    async def _positions(self, *, fresh: bool) -> dict[ConId, Decimal]:
        state = await self._desk.broker.account_state(self._run.record.account, fresh=fresh)
        return {position.contract.con_id: position.quantity for position in state.positions}

    def _settle(self, intent: OrderIntent, look: Look) -> OrderIntent:
        con_id, evidence = intent.leg.contract.con_id, look.evidence
        sight = sight_of(
            intent,
            evidence,
            look.positions.get(con_id, Decimal(0)),
            self._held.get(con_id, Decimal(0)),
            absence_counts=look.absence_counts,
        )
        if intent.state is IntentState.DONE:
            return self._contradicted(_with_trades(intent, evidence), sight, look)
        if intent.state is not IntentState.UNKNOWN and not doubled(intent, sight):
            return _seen(intent, sight)
        decision = reconcile(intent, sight)
        self._tell(decision)
        return self._answer(decision, certain=doubled(intent, sight))

    def _contradicted(self, intent: OrderIntent, sight: Sight, look: Look) -> OrderIntent:
        """Done by our books, but open, or there twice, at the broker. A look that began before the end, or too
        soon after it, proves nothing: then another one is due."""
        if intent.ending is Ending.UNRESOLVED:
            return intent
        if doubled(intent, sight):
            return replace(intent, ending=Ending.UNRESOLVED, note=TWICE)
        resting = {OrderStatus.INACTIVE} if intent.ending is Ending.REFUSED else set()
        alive = any(report.status not in resting for report in sight.open_orders)
        if not alive or intent.ending is Ending.LEFT_OPEN or intent.executed >= intent.quantity:
            return intent
        if intent.leg.number not in look.long_over:
            self.first_look_due = True
            return intent
        note = f"ended as {intent.ending}, yet the broker still shows it open"
        return replace(intent, ending=Ending.UNRESOLVED, note=note)

    def _tell(self, decision: Decision) -> None:
        """Once for each new verdict on an intent; waiting is no news."""
        ref, news = str(decision.intent.ref), (decision.verdict, decision.reason)
        if decision.verdict is not Verdict.WAIT and self._told.get(ref) != news:
            self._told[ref] = news
            telling.reconciled(self._desk, self._run.record, decision)

    def _answer(self, decision: Decision, *, certain: bool) -> OrderIntent:
        """A doubt is given time to clear up; what is certain is not."""
        if decision.verdict is not Verdict.ESCALATE:
            return decision.intent
        patience = self._desk.settings.doubt_patience
        since = max(self._began, self._desk.session.ready_since)
        if not certain and self._desk.clock.monotonic() - since < patience:
            return decision.intent
        return decision.intent.to(IntentState.DONE, ending=Ending.UNRESOLVED, note=decision.reason)


def _seen(intent: OrderIntent, sight: Sight) -> OrderIntent:
    """An intent we believe in, with whatever the broker shows of it. An order recorded as never sent that the
    broker shows nevertheless exists: the journal lost a write, the broker wins."""
    for report in (*sight.completed, *sight.open_orders):
        intent = fold_order(intent, report)
    for execution in sight.executions:
        intent = fold_execution(intent, execution)
    return intent


def _with_trades(intent: OrderIntent, evidence: Evidence) -> OrderIntent:
    for execution in evidence.executions:
        if belongs(intent, execution):
            intent = fold_execution(intent, execution)
    for commission in evidence.commissions:
        intent = fold_commission(intent, commission)
    return intent


def strangers(
    open_orders: Iterable[OrderReport], record: EventRecord, con_ids: Iterable[ConId]
) -> tuple[OrderReport, ...]:
    """Open orders of this account on these contracts that do not belong to this event; one whose account the gateway
    does not say may be this account's."""
    wanted, ours = frozenset(con_ids), {str(intent.ref) for intent in record.intents}
    return tuple(
        report
        for report in open_orders
        if report.account in {record.account, None} and report.con_id in wanted and report.order_ref not in ours
    )


async def without_refused(desk: Desk, account: AccountId, found: tuple[OrderReport, ...]) -> tuple[OrderReport, ...]:
    """Without orders of ours that the broker refused for good: it may go on listing them, as inactive."""
    if all(report.status is not OrderStatus.INACTIVE for report in found):
        return found
    closed = await desk.journal.last_closed(account, _REFUSALS_RECALLED)
    refused = {str(i.ref) for record in closed for i in record.intents if i.ending is Ending.REFUSED}
    return tuple(r for r in found if r.status is not OrderStatus.INACTIVE or r.order_ref not in refused)


def described(report: OrderReport) -> str:
    """An order at the broker, in words."""
    quantity = report.quantity if report.quantity is not None else "?"
    whose = f"client {report.client_id}, orderRef {report.order_ref or 'none'}"
    return f"{report.side or '?'} {quantity} {report.symbol} ({report.status}, {whose})"


def report_is_ours(report: OrderReport) -> bool:
    """Whether the order carries a reference of this product, of whatever event."""
    return OrderRef.parse(report.order_ref) is not None


def suspected(desk: Desk, record: EventRecord) -> bool:
    """Whether the journal's word that nothing of this event was sent is open to doubt: this process has sent something
    of it, or a hold named it."""
    run = run_digest(record.key, record.account)
    return desk.book.has_sent(run) or desk.pauses.ever_named(record.key)


def taken_by_us(desk: Desk, record: EventRecord) -> bool:
    """Whether it was this process that accepted the event: then none before us has sent anything of it, unless the
    store forgot its acceptance, too."""
    return record.accepted_at >= desk.leases.started_at


def shown_from(desk: Desk, record: EventRecord) -> float:
    """From when on (monotonic seconds) the broker shows whatever a process before us sent of the event in its last
    moment: a store that lost its last writes may call such an event untouched. Always, for one published since our
    start."""
    if taken_by_us(desk, record) and published_at(record.entry_id) >= desk.leases.started_at:
        return -math.inf
    quiet_since = max(desk.leases.first_held(record.account), desk.session.ready_since)
    return quiet_since + desk.settings.visibility_delay


async def check_forgotten(desk: Desk, record: EventRecord) -> None:
    """Raise OutcomeUnknown when the broker knows orders of an event of which, by the journal, nothing was ever sent.

    What this session saw when it began will do for an event of our own time that is not suspected. Raises
    BrokerUnavailable, too."""
    age_max = max(0.0, desk.clock.monotonic() - shown_from(desk, record))
    evidence = await desk.session.evidence(0 if suspected(desk, record) else age_max)
    lost = forgotten(evidence, run_digest(record.key, record.account))
    if lost:
        raise OutcomeUnknown(
            f"the broker knows orders of this event ({', '.join(lost)}) although the journal says none was "
            "sent: the journal lost a write",
            reason_code="journal_behind",
        )


def forgotten(evidence: Evidence, run: str) -> tuple[str, ...]:
    """Every orderRef of this event that the broker knows although the journal says nothing was ever sent."""
    refs = {report.order_ref for report in (*evidence.open_orders, *evidence.completed)}
    refs |= {execution.order_ref for execution in evidence.executions}
    return tuple(sorted(ref for ref in refs if ref.startswith(f"rb{run}-")))
