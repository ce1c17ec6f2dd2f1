"""Every key name, and nothing else knows one.

The three streams are part of the published contract. All other keys carry the hash tag `{rebalancer}`, so
that Redis Cluster keeps them in one slot and a script may touch several; the two that belong to the
dead-letter stream are tagged with its name and live in its slot. Nothing crosses slots in one step.
"""

from __future__ import annotations

from event_processor.domain.contract import ContractQuery
from event_processor.domain.ids import AccountId, EntryId, EventKey

EVENTS = "rebalancer:events"
OUTCOMES = "rebalancer:outcomes"
DEAD = "rebalancer:dead"
GROUP = "processor"
"""The consumer group on EVENTS that all processors share."""

RETRIED = "{rebalancer:dead}:retried"
"""Hash: dead-letter id -> id of the entry it was put back as."""

ACCOUNTS = "{rebalancer}:accounts"
"""Set: every account that ever had an event."""
RECENT = "{rebalancer}:recent"
"""Sorted set: event keys by acceptance, capped."""
OUTBOX = "{rebalancer}:outbox"
"""Stream: notes written with their record, not yet published."""
ORDER_IDS = "{rebalancer}:order_id"
"""Hash: client id -> highest order id ever written for it."""
PAUSES = "{rebalancer}:pauses"
"""Hash: `pause:<scope>` or `hold:<scope>` -> the pause."""
FENCE = "{rebalancer}:fence"
"""Counter: the last fencing token given out."""
LOGINS = "{rebalancer}:logins"
"""Hash: name of a processor -> when it was last heard of, and the accounts of its login."""
COMMANDS = "{rebalancer}:commands"
"""List: ids of requests that wait for any processor."""
COMMAND_NUMBER = "{rebalancer}:command_number"
"""Counter: the id of the last request."""


def event(key: EventKey) -> str:
    """Hash: the record of one event."""
    return f"{{rebalancer}}:event:{key}"


def known(key: EventKey) -> str:
    """String: head of a closed event; outlives its record, so that a late repeat is still recognised."""
    return f"{{rebalancer}}:known:{key}"


def open_events(account: AccountId) -> str:
    """Set: keys of the account's events that are not closed."""
    return f"{{rebalancer}}:open:{account}"


def lease(account: AccountId) -> str:
    """String with a time to live: `<token>:<owner>`."""
    return f"{{rebalancer}}:lease:{account}"


def timeline(key: EventKey) -> str:
    """List: facts of one event, oldest first, capped."""
    return f"{{rebalancer}}:timeline:{key}"


def settlements(account: AccountId) -> str:
    """Hash: the questions that people have settled in one account."""
    return f"{{rebalancer}}:settlements:{account}"


def contract(query: ContractQuery) -> str:
    """String with a time to live: the contract that this query means."""
    words = (query.symbol, query.con_id, query.sec_type, query.currency, query.exchange, query.primary_exchange)
    return f"{{rebalancer}}:contract:{':'.join(map(str, words))}"


def status(name: str) -> str:
    """String with a time to live: what a processor says of itself."""
    return f"{{rebalancer}}:status:{name}"


def reminder(processor: str, what: str) -> str:
    """String with a time to live: this processor has reminded people of it."""
    return f"{{rebalancer}}:reminder:{processor}:{what}"


def command(command_id: str) -> str:
    """String with a time to live: one request; gone means too late."""
    return f"{{rebalancer}}:command:{command_id}"


def commands_for(processor: str) -> str:
    """List: ids of requests that wait for this processor."""
    return f"{{rebalancer}}:commands:{processor}"


def reply(command_id: str) -> str:
    """List with a time to live: the answer to one request."""
    return f"{{rebalancer}}:reply:{command_id}"


def dead_mark(entry_id: EntryId) -> str:
    """String with a time to live: this entry is on the dead-letter stream."""
    return f"{{rebalancer:dead}}:entry:{entry_id}"
