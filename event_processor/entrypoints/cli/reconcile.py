"""`rebalancer reconcile`: the journal beside the broker, and a person's word on what nobody could prove."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from event_processor.domain.settlement import Resolution
from event_processor.entrypoints.cli.asking import REPLY_SECONDS, ask
from event_processor.entrypoints.cli.control import ALL, account_of
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out, connected
from event_processor.entrypoints.cli.screen import err, note, out, print_json, say, table
from event_processor.errors import ConfigurationError

Adopt = Annotated[str, typer.Option("--adopt", metavar="REF", help="What the broker shows of this order counts")]
Abandon = Annotated[str, typer.Option("--abandon", metavar="REF", help="It is not at the broker, and shall not be")]
Resubmit = Annotated[
    str, typer.Option("--resubmit", metavar="REF", help="It is not at the broker, and wanted: order what is missing")
]
Accept = Annotated[
    str, typer.Option("--accept", metavar="EVENT", help="I have looked: the positions count as they are")
]


def reconcile(
    scope: Annotated[str, typer.Argument(metavar="[ACCOUNT]", help="Alias or account number; all without one")] = ALL,
    *,
    account: Annotated[str, typer.Option("--account", help="The same as ACCOUNT")] = "",
    adopt: Adopt = "",
    abandon: Abandon = "",
    resubmit: Resubmit = "",
    accept: Accept = "",
    by: Annotated[str, typer.Option(help="Who says so; your login name without it")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Compare the journal with the broker now; with one of the options settle a doubt that holds an account.

    The running processor does it. It refuses what the broker's evidence contradicts, writes down who settled what,
    and lifts the hold of the account when nothing is left to be settled.
    """
    given = {
        Resolution.ADOPT: adopt,
        Resolution.ABANDON: abandon,
        Resolution.RESUBMIT: resubmit,
        Resolution.ACCEPT: accept,
    }

    async def work() -> Exit:
        where = account_of(_one_account(scope, account))
        wishes = [(resolution, subject) for resolution, subject in given.items() if subject]
        name, arguments = "reconcile", {"account": "" if where == ALL else where}
        if wishes:
            name, arguments = "settle", {**arguments, **_settlement(where, wishes, by)}
        async with connected() as link:
            with err.status("waiting for the processor"):
                answer = await ask(link, name, arguments)
        if answer is None:
            note(f"no processor answered in {REPLY_SECONDS:g} s; rebalancer status shows whether one runs")
            return Exit.UNREACHABLE
        print_json(answer) if as_json else _show(answer)
        return Exit.OK if answer.get("ok") else Exit.FAILED

    carry_out(work)


def _one_account(scope: str, account: str) -> str:
    if account and scope not in {ALL, account}:
        raise ConfigurationError(f"name one account, not both {scope!r} and {account!r}")
    return account or scope


def _settlement(where: str, wishes: list[tuple[Resolution, str]], by: str) -> dict[str, str]:
    if len(wishes) > 1:
        raise ConfigurationError("settle one thing at a time: --adopt, --abandon, --resubmit or --accept")
    if where == ALL:
        raise ConfigurationError("to settle something name its account: rebalancer reconcile ACCOUNT --adopt REF")
    [(resolution, subject)] = wishes
    return {"resolution": str(resolution), "subject": subject, "by": by or _login_name()}


def _login_name() -> str:
    """Empty names and containers without a user database are told as unknown."""
    try:
        return getpass.getuser() or "unknown"
    except (KeyError, OSError):
        return "unknown"


def _show(answer: Mapping[str, Any]) -> None:
    lines = answer.get("lines") or ()
    columns = (
        "event_id",
        "order_ref",
        "side",
        "symbol",
        ">planned",
        ">filled",
        "state",
        "broker",
        "decision",
        "reason",
    )
    if lines:
        rows = ([line.get(name.removeprefix(">"), "") for name in columns] for line in lines)
        out.print(table("Journal beside broker", columns, rows))
    for account in answer.get("accounts") or ():
        _show_account(account)
    say(str(answer.get("message", "")))


def _show_account(account: Mapping[str, Any]) -> None:
    """What the broker shows of one account beside our orders, and what a person has to settle."""
    positions = account.get("positions") or ()
    columns = ("symbol", "con_id", ">quantity")
    if positions:
        say(f"\nPositions of {account['account']} at the broker")
        rows = ([str(line[name.removeprefix(">")]) for name in columns] for line in positions)
        out.print(table("", columns, rows))
    strangers = account.get("strangers") or ()
    fields = ("order_ref", "perm_id", "client_id", "side", "symbol", "quantity", "status")
    if strangers:
        say(f"\nOpen orders in {account['account']} that belong to no event shown")
        out.print(table("", fields, ([str(line[name] or "") for name in fields] for line in strangers)))
    for pause in account.get("pauses") or ():
        say(f"\n{account['account']} is {'held' if pause['held'] else 'paused'} ({pause['scope']}): {pause['reason']}")
    for question in account.get("unsettled") or ():
        _show_question(question)


def _show_question(question: Mapping[str, Any]) -> None:
    say(f"\nto be settled  {question['subject']} (event {question['event_id']})")
    say(f"  not known    {question['reason']}")
    say(f"  known        {question['known']}")
    for number, command in enumerate(
        question["commands"] or ("nothing now: put it right at the broker, then ask again",)
    ):
        say(f"  {'settle with' if not number else 'or         '}  {command}")
