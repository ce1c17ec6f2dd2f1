"""Every boundary as a Protocol. Adapters implement them, doubles too; one contract suite holds both to it.

Common rules. Methods that may block are async and bounded: an implementation has its own time-outs and
raises a `ProcessorError` of the kind named here, never a library's exception. A failed look-up raises;
an empty answer is an answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.event import RebalanceEvent
from event_processor.domain.facts import Fact
from event_processor.domain.ids import AccountId, ConId, EntryId, EventKey
from event_processor.domain.order import Order
from event_processor.domain.portfolio import AccountState, Quote
from event_processor.domain.record import EventRecord, OutcomeNote
from event_processor.domain.reports import Evidence, OrderReport, Report
from event_processor.domain.session import SessionInput
from event_processor.domain.settlement import Settlement
from event_processor.domain.whereabouts import Login


class Clock(Protocol):
    """Time, injected. Waiting is asyncio's; a test runs it on a loop with virtual time."""

    def now(self) -> datetime:
        """Aware UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back and go on while the process is stopped."""


class Observer(Protocol):
    """Told every fact. Must return at once; what it raises is its own affair (the fan-out guards)."""

    def observe(self, fact: Fact) -> None: ...


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One entry of the event stream as delivered. `body` is the raw field `event`, None when it is missing.

    `fields` holds the entry whole, for the dead-letter stream; it is empty when somebody deleted the entry from the
    stream while it was pending. `deliveries` counts hand-outs without
    progress (see `Inbox.renew`).
    """

    entry_id: EntryId
    body: str | None
    fields: Mapping[str, str]
    deliveries: int


LETTER_CHARS_MAX = 1024 * 1024
"""Far above any event; what is larger could not be stored twice, and would come back for ever."""


class Inbox(Protocol):
    """The event stream, at least once. All methods raise StoreUnavailable."""

    async def take(self, limit: int, wait_seconds: float) -> Sequence[InboxEntry]:
        """Entries not handed out by this object before: first what this consumer still has pending, then
        what dead consumers left idle longer than the lease, then new ones. Empty after `wait_seconds`."""

    async def renew(self, entries: Sequence[EntryId]) -> Sequence[EntryId]:
        """Keep these entries ours and reset their delivery count; the ones that are no longer ours come back."""

    async def acknowledge(self, entries: Sequence[EntryId]) -> None:
        """Done with these, for good. Only after the journal knows the outcome of each."""

    async def dead_letter(self, entry: InboxEntry, reason: str, at: datetime) -> None:
        """Put the entry on the dead-letter stream, whole up to LETTER_CHARS_MAX, then acknowledge it; repeating is
        harmless."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one account: `token` grows with every new holder (a fencing token)."""

    account: AccountId
    owner: str
    token: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Trading stopped by a person (`scope` "all" or an account) or by us (`held`: needs review).

    `events` are those whose doubts the hold stands for, settled already or not."""

    scope: str
    reason: str
    at: datetime
    held: bool = False
    events: tuple[EventKey, ...] = ()


class Journal(Protocol):
    """The write-ahead journal. A method that returned has made its write durable.

    All methods raise StoreUnavailable when the write is not known to be durable; repeating the same call
    is then safe and has one effect. Writes to an account need its current lease: LeaseLost otherwise.
    """

    async def check_durability(self) -> Sequence[str]:
        """What makes this store unsafe for real money, in words with the fix; empty when nothing does."""

    async def acquire(self, account: AccountId, owner: str, seconds: float) -> Lease | None:
        """The account's lease if it is free, expired or already ours; None while another holds it.

        An owner is a name, and after a `#` the number of its start. A processor that was restarted takes over
        from its former self at once, with a new token, so that the old one, should it still live, is fenced
        off; an earlier start never takes over from a later one."""

    async def renew_lease(self, lease: Lease) -> None:
        """Extend; raises LeaseLost."""

    async def release(self, lease: Lease) -> None:
        """Give it back; harmless when it is no longer ours."""

    async def announce(self, processor: str, accounts: Sequence[AccountId]) -> Sequence[Login]:
        """Say that this processor lives and which accounts its login has (none: not known yet; what it said before
        stays); every login that was heard of in the last days comes back, this one included."""

    async def find(self, key: EventKey) -> EventRecord | None:
        """What is known of an event."""

    async def accept(self, record: EventRecord, notes: Sequence[OutcomeNote]) -> EventRecord:
        """Remember a new event (revision 0 -> 1), unless its key is known: then the known record is
        returned unchanged, and the caller compares digests. Needs no lease."""

    async def write(
        self, lease: Lease, record: EventRecord, notes: Sequence[OutcomeNote], *, sending: bool = False
    ) -> EventRecord:
        """Replace the record by this one, in one atomic durable write with the outcome notes.

        `record.revision` is the revision it was made from; the stored one must equal it, and grows by one.
        With `sending` the same atomic step also refuses when trading of the account is paused or held.

        Raises:
            LeaseLost: another owner or token holds the account.
            InvariantViolated: the stored revision differs: the store lost or gained a write.
            TradingPaused: `sending`, and a pause or hold is set.
        """

    async def open_records(self, account: AccountId | None = None) -> Sequence[EventRecord]:
        """Every record that is not closed, oldest entry first."""

    async def open_accounts(self) -> Sequence[AccountId]:
        """The accounts that have such records, in the order of their numbers; costs the same however many there are
        of each."""

    async def last_closed(self, account: AccountId, most: int = 1) -> Sequence[EventRecord]:
        """The records of the account that were closed last, oldest first, if among its latest events."""

    async def pauses(self) -> Sequence[Pause]:
        """All pauses and holds in force."""

    async def pause(self, pause: Pause) -> None:
        """Stop trading in its scope until `resume`."""

    async def resume(self, scope: str) -> bool:
        """Lift pause and hold of the scope; False when there was none."""

    async def lift(self, pause: Pause) -> bool:
        """Lift this very pause or hold; False when it is not in force as given, because it was lifted already or
        another one took its place."""

    async def settle(self, account: AccountId, settlement: Settlement) -> Settlement:
        """Write down a person's word on one question. The first word on a question counts: what comes back is the
        one in force. Needs no lease: it moves no order."""

    async def settlements(self, account: AccountId) -> Sequence[Settlement]:
        """Everything settled in an account, oldest first."""

    async def order_id_floor(self, client_id: int) -> int:
        """The highest order id any written intent of this client id carried; 0 when none did."""

    async def unpublished(self, limit: int) -> Sequence[tuple[str, OutcomeNote, EventRecord]]:
        """Notes written but not yet marked published, in order: (outbox id, note, record as it is now)."""

    async def published(self, outbox_ids: Sequence[str]) -> None:
        """Mark these notes as published."""


class Events(Protocol):
    """The event stream, as its producers see it. Raises StoreUnavailable."""

    async def publish(self, event: RebalanceEvent) -> EntryId:
        """Append the event; the id of its entry. Repeating it makes a repeat, which has no effect."""


class Outcomes(Protocol):
    """The outcome stream. Raises StoreUnavailable."""

    async def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> None:
        """Append CloudEvents; may repeat one after a failure, with the same id."""


class Broker(Protocol):
    """The broker, seen through one gateway session.

    Every method raises BrokerUnavailable (or a child) when the session is lost or an answer does not come
    in time. Pacing is inside: no method ever makes the session exceed IBKR's message rate.
    """

    async def connect(self) -> tuple[AccountId, ...]:
        """Open the API session and return the login's accounts. One attempt, bounded.

        Raises GatewayDisconnected, LoginRequired (accepted but silent or closed at once), or
        GatewayDisconnected with reason_code "client_id_in_use"."""

    async def disconnect(self) -> None:
        """Close the socket; harmless when closed."""

    def session_inputs(self) -> AsyncIterator[SessionInput]:
        """What happens to the session, as it happens, across reconnects (socket lost, 1100, 1101, 1102,
        2110, 10197, 321 read-only …). One consumer."""

    def subscribe(self, sink: Callable[[Report], None]) -> Callable[[], None]:
        """Call `sink` with every report from now on, in the broker's order, from the event loop; it must
        only enqueue. Returns the unsubscriber."""

    async def evidence(self) -> Evidence:
        """Open orders of all clients, completed orders, executions of all accounts of the login. Raises
        unless every look-up succeeded under this session; ReadOnlyApi when the API refuses look-ups."""

    async def open_orders(self) -> Sequence[OrderReport]:
        """The open orders of all clients, now: one message. Raises as `evidence`."""

    async def account_state(self, account: AccountId, *, fresh: bool = False) -> AccountState:
        """Positions and cash, from standing subscriptions that are known to be complete and alive; with
        `fresh` the positions are asked for again, where a lost update would decide something."""

    async def resolve(self, queries: Sequence[ContractQuery]) -> Mapping[ContractQuery, Contract]:
        """The contract of each query. Raises ContractUnresolved naming every unknown or ambiguous one."""

    async def describe(self, contracts: Sequence[Contract]) -> Mapping[ConId, Contract]:
        """The same contracts with hours and price steps (positions come without). Raises ContractUnresolved."""

    async def quotes(self, contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
        """A quote for each contract, none older than asked; waits a bounded time for missing ones.

        Raises QuotesUnavailable naming what is missing and why (subscription, competing session, closed)."""

    async def send_slot(self) -> None:
        """Wait until the pace allows one more message; take the place for `place` or `cancel`."""

    @property
    def client_id(self) -> int:
        """Our fixed client id: half of the key by which the gateway knows our orders."""

    def next_order_id(self) -> int:
        """Reserve an order id, above every id seen or reserved; stored by the caller before it is used."""

    def raise_order_ids(self, above: int) -> None:
        """Never reserve an id at or below this one (nextValidId may move back after a gateway restart)."""

    def place(self, order: Order, order_id: int) -> None:
        """Hand the order to the socket at once. Call only after `send_slot`.

        Not async on purpose: between the caller's last check and the socket nothing else can run.
        Raises GatewayDisconnected when there is no session: then nothing was sent."""

    def cancel(self, order_id: int) -> None:
        """Ask to cancel an order that our client id placed. After `send_slot`. Raises GatewayDisconnected."""
