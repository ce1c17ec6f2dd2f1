"""`rebalancer pause` and `resume`: what a person may order without the processor."""

from __future__ import annotations

from typing import Annotated

import typer

from event_processor.accounts import load_accounts
from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.domain.ids import AccountId, is_account_number
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import note, say
from event_processor.errors import ConfigurationError
from event_processor.ports import Pause
from event_processor.settings import Settings

ALL = "all"

Scope = Annotated[str, typer.Argument(help="Alias or account number; all without one")]


def pause(
    scope: Scope = ALL, *, reason: Annotated[str, typer.Option(help="Why, for people")] = "paused by hand"
) -> None:
    """Stop placing orders, in one account or in all, until `resume`. Orders at the broker go on."""

    async def work() -> Exit:
        where = account_of(scope)
        async with connected() as link:
            await RedisJournal(link).pause(Pause(where, reason, SystemClock().now()))
        say(f"paused {where}: no new order leaves; resume with: rebalancer resume {where}")
        return Exit.OK

    carry_out(work)


def resume(scope: Scope = ALL) -> None:
    """Lift a pause; also a hold as it is, unsettled (better: `rebalancer reconcile`)."""

    async def work() -> Exit:
        where = account_of(scope)
        async with connected() as link:
            journal = RedisJournal(link)
            lifted = await journal.resume(where)
            left = [one.scope for one in await journal.pauses()]
        say(f"resumed {where}" if lifted else f"{where} was not paused")
        if left:
            note(f"still paused: {', '.join(left)}")
        return Exit.OK

    carry_out(work)


def account_of(name: str) -> str:
    """The account number behind an alias; `all` and numbers stay. Raises ConfigurationError for others."""
    if name == ALL or is_account_number(name):
        return name
    file = Settings.load().accounts_file
    rules = load_accounts(file) if file else ()
    found = next((AccountId(rule.account) for rule in rules if rule.alias == name), None)
    if found is None:
        known = ", ".join(rule.alias for rule in rules) or "none; set ACCOUNTS_FILE to have some"
        raise ConfigurationError(f"{name!r} is neither an account number nor an alias (aliases: {known})")
    return found
