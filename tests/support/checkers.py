"""Judges of a run. They believe the exchange's ledger and the store, never what the processor says of itself.

During the run: an order leaves only under a ready session whose orders were all read, only as the store has it,
`submitting`, and soon after that was written; an event is closed only when none of its orders can trade any more, told
only when its end is durable, and its entry acknowledged only then. After the run: one accepted order per orderRef,
nothing executed beyond the plan, cash at the reserve, one final and true outcome per event (see `ending_laws`), books
that agree with the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from event_processor.domain.event import body_digest, parse_event
from event_processor.domain.facts import EventClosed, Fact, ProcessorHalted
from event_processor.domain.ids import EntryId, OrderRef
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import Order, Side
from event_processor.domain.plan import Plan
from event_processor.domain.record import EventRecord, Outcome, Stage
from event_processor.domain.weekly import RESTART_AWAITED, GatewayHours
from event_processor.errors import EventError, ForeignOrdersOpen
from gateway_simulator.ledger import Entry
from gateway_simulator.simulator import Simulator
from tests.support.ending_laws import expiry, judge_ending, working_at
from tests.support.memory_store import MemoryStore
from tests.support.process import Process
from tests.support.resends import Resends
from tests.support.simulated_link import SimulatedLink
from tests.support.telling_laws import judge_letters, judge_news, judge_telling

MESSAGES_PER_SECOND_MAX = 50
CENT = Decimal("0.01")


class Checkers:
    """Collects what is wrong, in words; `verdict` adds what only the end shows."""

    def __init__(
        self, sim: Simulator, store: MemoryStore, *, forgetful: bool = False, hours: GatewayHours | None = None
    ) -> None:
        """With `forgetful` the store loses a write: then a halt is right, and only orders are judged by it. `hours`
        are those at which the gateway was told to restart."""
        self._sim, self._store, self._forgetful, self._hours = sim, store, forgetful, hours or GatewayHours()
        self.sharing_client_id = 1
        """How many processors were started with one client id: each keeps its own pace."""
        self.clock_jumps = False
        """Whether the host's clock is set forward during the run."""
        self._found: list[str] = []
        self._acknowledged: set[EntryId] = set()
        self._told = 0
        self._resends = Resends()
        self._start_positions = _positions(sim.ledger.entries)

    # during the run

    def placing(self, process: Process, order: Order, order_id: int, link: SimulatedLink) -> None:
        """Told just before an order leaves."""
        session, clock, ref = process.desk.session, process.desk.clock, str(order.ref)
        if not session.ready:
            self._found.append(f"{ref} was placed while the session was {session.state}")
        if not link.looks:
            self._found.append(f"{ref} was placed before the broker's orders had been read")
        intent = self._intents().get(ref)
        if self._forgetful:
            pass  # it may be this very intent that the store had and lost
        elif intent is None:
            self._found.append(f"{ref} was placed without a durable intent")
        elif intent.state is not IntentState.SUBMITTING or intent.order_id != order_id:
            self._found.append(
                f"{ref} was placed under id {order_id} while the store has {intent.state} {intent.order_id}"
            )
        elif intent.quantity != order.quantity:
            self._found.append(f"{ref} was placed with {order.quantity}, the store has {intent.quantity}")
        elif wrong := self._resends.problem(intent, clock.monotonic(), refused=self._refused(ref)):
            self._found.append(wrong)
        self._check_allowed(process, order)
        self._check_restart(clock.now(), ref)

    def _refused(self, ref: str) -> bool:
        """Whether the last that happened to the order is its refusal."""
        kinds = (entry["kind"] for entry in reversed(self._sim.ledger.entries) if entry.get("orderRef") == ref)
        return next(kinds, "") == "order_refused"

    def _check_restart(self, now: datetime, ref: str) -> None:
        """Orders of the last moments before a restart are lost, and so are those that meet the restart itself."""
        coming, last = self._hours.next_restart(now), self._hours.last_restart(now)
        if coming is not None and now >= coming - self._hours.lead:
            self._found.append(f"{ref} was placed {coming - now} before the gateway's restart")
        connected = [str(e["time"]) for e in self._sim.ledger.entries if e["kind"] == "client_connected"]
        if last is not None and datetime.fromisoformat(connected[-1]) < last > now - RESTART_AWAITED:
            self._found.append(f"{ref} was placed {now - last} after the gateway's restart, before it was seen")

    def _check_allowed(self, process: Process, order: Order) -> None:
        record = next((r for r in self._store.records.values() if str(order.ref) in _refs(r)), None)
        if record is None:
            return
        now = process.desk.clock.now()
        if now >= expiry(record, self._store):
            self._found.append(f"{order.ref} was placed after its event expired")
        if record.stage is Stage.CLOSED:
            self._found.append(f"{order.ref} was placed after its event was closed")
        if record.event.data.dry_run:
            self._found.append(f"{order.ref} was placed for a dry run")
        held = self._store.lease_now(record.account)
        if held is None or held[1] != process.tokens.get(record.account):
            self._found.append(f"{order.ref} was placed by {process.name} without the lease ({held})")
        sent_at = next(intent.sent_at for intent in record.intents if intent.ref == order.ref)
        if sent_at is None:
            self._found += [] if self._forgetful else [f"{order.ref} was placed, and nobody can tell when"]
            return
        late = now - sent_at >= timedelta(seconds=process.desk.settings.visibility_delay)
        if late and not (self.clock_jumps or self._forgetful):
            self._found.append(f"{order.ref} was placed {now - sent_at} after its mark: it may have been looked for")
        for pause in self._store.pauses.values():
            if pause.scope in {"all", record.account} and pause.at < sent_at:
                self._found.append(f"{order.ref} was placed although {pause.scope} is paused: {pause.reason}")

    def looked(self, process: Process, link: SimulatedLink) -> None:
        """Told when a process has read all orders and executions of the broker."""
        self._resends.looked(link.looks, process.desk.settings.visibility_delay)

    def fact(self, fact: Fact) -> None:
        """Told of every fact."""
        if isinstance(fact, ProcessorHalted) and not self._forgetful:
            self._found.append(f"the processor halted: {fact.reason}")
        if isinstance(fact, EventClosed) and not self._forgetful:
            self._closing(fact)

    def _closing(self, fact: EventClosed) -> None:
        """Nothing moves any more, or a person has to look before anything else is traded."""
        name, record = f"event {fact.event_id}", self._store.records[fact.key]
        if fact.outcome is not Outcome.NEEDS_REVIEW:
            if alive := working_at(self._sim, record):
                self._found.append(f"{name} was closed as {fact.outcome} while {alive} could still trade")
        elif fact.reason_code != ForeignOrdersOpen.reason_code and (record.account, True) not in self._store.pauses:
            self._found.append(f"{name} needs review, and {record.account} is not held")

    def published(self) -> None:
        """Told after outcomes may have been published: of an end only once it is durable."""
        news, self._told = self._store.outcomes[self._told :], len(self._store.outcomes)
        self._found += [] if self._forgetful else judge_news(self._store, news)

    def acknowledged(self) -> None:
        """Told after entries may have been acknowledged."""
        gone = self._store.delivered - self._store.pending.keys() - self._acknowledged
        self._acknowledged |= gone
        dead = {letter["entry_id"] for letter in self._store.dead}
        for entry_id in gone - dead:
            record = self._record_of(entry_id)
            if record is None:
                self._found.append(f"entry {entry_id} was acknowledged, but nothing is known of it")
            elif body_digest(record.event) != body_digest(parse_event(self._store.entries[entry_id]["event"])):
                self._found.append(f"entry {entry_id} was taken for a repeat of its event, but says something else")
            elif record.entry_id == entry_id and record.stage is not Stage.CLOSED and not self._forgetful:
                self._found.append(f"entry {entry_id} was acknowledged while its event was {record.stage}")

    def _record_of(self, entry_id: EntryId) -> EventRecord | None:
        try:
            return self._store.records.get(parse_event(self._store.entries[entry_id]["event"]).key)
        except (EventError, KeyError):
            return None

    # after the run

    def verdict(self) -> list[str]:
        """Everything that was wrong."""
        return [
            *self._found,
            *self._doubled(),
            *self._pace(),
            *judge_telling(self._store, forgetful=self._forgetful),
            *judge_letters(self._store),
            *(problem for record in self._store.records.values() for problem in self._judge(record)),
            *(problem for record in self._store.records.values() for problem in self._ending(record)),
            *self._unexplained(),
        ]

    def _ending(self, record: EventRecord) -> Iterator[str]:
        return judge_ending(record, self._sim, self._store, clock_jumps=self.clock_jumps)

    def _doubled(self) -> Iterator[str]:
        legs: dict[str, list[int]] = defaultdict(list)
        for ref, perm_ids in self._sim.ledger.orders_by_ref().items():
            ours = OrderRef.parse(ref)
            legs[str(replace(ours, attempt=1)) if ours else ref] += perm_ids
        for ref, perm_ids in legs.items():
            if ref and len(perm_ids) > 1:
                yield f"the exchange accepted {ref} {len(perm_ids)} times (permIds {perm_ids})"

    def _pace(self) -> Iterator[str]:
        if self._sim.ledger.max_messages_per_second > MESSAGES_PER_SECOND_MAX * self.sharing_client_id:
            yield f"{self._sim.ledger.max_messages_per_second} messages were sent in one second"

    def _judge(self, record: EventRecord) -> Iterator[str]:
        if record.plan is None:
            return
        ledger = self._executed()
        for intent in record.intents:
            if intent.ref != OrderRef.derive(record.key, record.account, intent.leg.number):
                yield f"{intent.ref} is not the reference of order {intent.leg.number} of event {record.event.id}"
            executed = ledger.get(str(intent.ref), Decimal(0))
            if executed > intent.leg.quantity:
                yield f"{intent.ref} executed {executed} of {intent.leg.quantity} planned"
            settled = record.outcome is not Outcome.NEEDS_REVIEW and intent.ending is not Ending.LEFT_OPEN
            if settled and intent.executed != executed:
                yield f"{intent.ref}: the books have {intent.executed} executed, the exchange {executed}"
            yield from self._commissions(intent)
        yield from self._cash(record, record.plan)
        if record.outcome is Outcome.COMPLETED and record.intents:
            yield from self._reached(record, record.plan)

    def _commissions(self, intent: OrderIntent) -> Iterator[str]:
        charged = {str(e["execId"]): Decimal(str(e["commission"])) for e in self._sim.ledger.executions()}
        for fill in intent.fills:
            if fill.commission is not None and fill.commission != charged.get(fill.exec_id):
                yield f"{fill.exec_id} cost {charged.get(fill.exec_id)}, the books have {fill.commission}"

    def _cash(self, record: EventRecord, plan: Plan) -> Iterator[str]:
        """Lowest cash after any buy of this event, against the reserve less the slippage that was announced."""
        if any(line.rate != 1 for line in plan.lines):
            return
        buys = {str(i.ref) for i in record.intents if i.leg.side is Side.BUY}
        floor = min(plan.cash, plan.reserve) - plan.slippage - CENT
        cash = Decimal(0)
        for entry in self._sim.ledger.entries:
            if entry["kind"] == "cash" and entry["account"] == record.account:
                cash = Decimal(str(entry["amount"]))
            elif entry["kind"] == "execution" and entry["orderRef"] in buys and cash < floor:
                yield f"cash fell to {cash}, below {floor:.2f} (reserve less slippage)"

    def _reached(self, record: EventRecord, plan: Plan) -> Iterator[str]:
        """Completed means: every line of the plan within one share of its unrounded target."""
        moved: dict[int, Decimal] = defaultdict(Decimal)
        for intent in record.intents:
            moved[intent.leg.contract.con_id] += _signed(intent, self._executed().get(str(intent.ref), Decimal(0)))
        traded = {intent.leg.contract.con_id for intent in record.intents}
        for line in plan.lines:
            held = line.held + moved[line.contract.con_id]
            if held != line.target:
                yield f"{line.contract.symbol}: {held} held, target {line.target}, although completed"
            elif line.contract.con_id in traded and abs(held - line.ideal) > 1 + _cost(plan) / line.price:
                yield f"{line.contract.symbol}: {held} held, {line.ideal:.2f} wanted, more than one share off"

    def _unexplained(self) -> Iterator[str]:
        """Every execution belongs to a recorded intent, and positions are the start plus the executions."""
        known = self._intents()
        expected = defaultdict(Decimal, self._start_positions)
        for entry in self._sim.ledger.executions():
            ref = str(entry["orderRef"])
            if ref.startswith("rb") and ref not in known:
                yield f"the exchange executed {ref}, which nobody recorded"
            sign = 1 if entry["side"] == "BOT" else -1
            expected[str(entry["account"]), str(entry["symbol"])] += sign * Decimal(str(entry["shares"]))
        actual = _positions(self._sim.ledger.entries)
        for key in expected.keys() | actual.keys():
            if actual.get(key, Decimal(0)) != expected[key]:
                yield f"{key}: {actual.get(key, 0)} held, {expected[key]} explained"

    def _intents(self) -> dict[str, OrderIntent]:
        return {str(intent.ref): intent for record in self._store.records.values() for intent in record.intents}

    def _executed(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for entry in self._sim.ledger.executions():
            found[str(entry["orderRef"])] += Decimal(str(entry["shares"]))
        return found


def _positions(entries: list[Entry]) -> dict[tuple[str, str], Decimal]:
    found = [entry for entry in entries if entry["kind"] == "position"]
    return {(str(e["account"]), str(e["symbol"])): Decimal(str(e["quantity"])) for e in found}


def _refs(record: EventRecord) -> set[str]:
    return {str(intent.ref) for intent in record.intents}


def _signed(intent: OrderIntent, shares: Decimal) -> Decimal:
    return shares if intent.leg.side is Side.BUY else -shares


def _cost(plan: Plan) -> Decimal:
    """What commissions and spreads may take from the targets."""
    return sum((leg.commission + leg.quantity * leg.unit_value / 1000 for leg in plan.legs), Decimal(0))
