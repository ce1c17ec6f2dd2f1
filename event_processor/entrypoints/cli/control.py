"""`rebalancer pause`, `resume` and `reconcile`: what a person may order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from event_processor.accounts import load_accounts
from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.commands import RedisCommands
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.domain.ids import AccountId, is_account_number
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import err, note, out, print_json, say, table
from event_processor.errors import ConfigurationError
from event_processor.ports import Pause
from event_processor.settings import Settings

ALL = "all"
REPLY_SECONDS = 30.0

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
    """Lift a pause, or the hold that an event in need of review put on its account."""

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


def reconcile(
    scope: Scope = ALL, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False
) -> None:
    """Let the running processor compare its journal with the broker now, and show what it found."""

    async def work() -> Exit:
        where = account_of(scope)
        async with connected() as link:
            commands = RedisCommands(link)
            with err.status("waiting for the processor"):
                sent = await commands.send("reconcile", {"account": "" if where == ALL else where})
                answer = await commands.wait_reply(sent, REPLY_SECONDS)
        if answer is None:
            note(f"no processor answered in {REPLY_SECONDS:g} s; rebalancer status shows whether one runs")
            return Exit.UNREACHABLE
        print_json(answer) if as_json else _show(answer)
        return Exit.OK if answer.get("ok") else Exit.FAILED

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


def _show(answer: Mapping[str, Any]) -> None:
    lines = answer.get("lines") or ()
    columns = ("order_ref", "side", "symbol", "state", "decision", "reason")
    if lines:
        out.print(table("", columns, ([line.get(name, "") for name in columns] for line in lines)))
    for account in answer.get("accounts") or ():
        _show_account(account)
    say(str(answer.get("message", "")))


def _show_account(account: Mapping[str, Any]) -> None:
    """What the broker shows of one account beside our orders."""
    positions = account.get("positions") or ()
    columns = ("symbol", "con_id", "quantity")
    if positions:
        title = f"positions of {account['account']} at the broker"
        out.print(table(title, columns, ([str(line[name]) for name in columns] for line in positions)))
    strangers = account.get("strangers") or ()
    fields = ("order_ref", "perm_id", "client_id", "side", "symbol", "quantity", "status")
    if strangers:
        title = f"open orders in {account['account']} that belong to no open event"
        out.print(table(title, fields, ([str(line[name] or "") for name in fields] for line in strangers)))
    for pause in account.get("pauses") or ():
        note(f"{account['account']} is {'held' if pause['held'] else 'paused'} ({pause['scope']}): {pause['reason']}")
