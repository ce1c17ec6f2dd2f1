"""Key names: the contract's streams, and slots of a cluster."""

from __future__ import annotations

from redis.crc import key_slot

from event_processor.adapters.redis import keys
from event_processor.domain.contract import ContractQuery
from event_processor.domain.ids import AccountId, EntryId, EventKey

KEY, ACCOUNT = EventKey("k"), AccountId("DU1")


def test_the_streams_have_the_names_of_the_contract() -> None:
    """Producers and readers use these names without our code."""
    assert (keys.EVENTS, keys.OUTCOMES, keys.DEAD) == (
        "rebalancer:events",
        "rebalancer:outcomes",
        "rebalancer:dead",
    )


def test_all_keys_of_the_journal_live_in_one_slot() -> None:
    """A script over several of them runs on a cluster."""
    names = [
        keys.event(KEY),
        keys.known(KEY),
        keys.open_events(ACCOUNT),
        keys.lease(ACCOUNT),
        keys.timeline(KEY),
        keys.status("processor"),
        keys.settlements(ACCOUNT),
        keys.contract(ContractQuery(symbol="SPY")),
        keys.contract(ContractQuery(symbol="SPY", exchange="ARCA")),
        keys.contract(ContractQuery(symbol="SPY", primary_exchange="ARCA")),
        keys.reminder("processor", "sunday"),
        keys.command("1"),
        keys.reply("1"),
        *(keys.ACCOUNTS, keys.RECENT, keys.OUTBOX, keys.ORDER_IDS, keys.PAUSES, keys.FENCE),
        *(keys.LOGINS, keys.COMMANDS, keys.COMMAND_NUMBER, keys.commands_for("processor")),
    ]
    assert len({key_slot(name.encode()) for name in names}) == 1
    assert len(set(names)) == len(names)


def test_the_keys_of_the_dead_letters_live_with_their_stream() -> None:
    """The mark of an entry and its dead letter are written in one step."""
    names = [keys.DEAD, keys.RETRIED, keys.dead_mark(EntryId("1-1"))]
    assert len({key_slot(name.encode()) for name in names}) == 1
