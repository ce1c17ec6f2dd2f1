"""What people may ask the running processor: the journal beside the broker, and to settle what is in doubt.

Pausing and resuming need no processor: they are written straight into the store, and every send checks them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from event_processor.application.comparison import ask, compared, look
from event_processor.application.desk import Desk
from event_processor.application.settling import Wish, settle
from event_processor.domain.ids import AccountId
from event_processor.domain.settlement import Resolution
from event_processor.errors import ProcessorError, StoreUnavailable
from event_processor.ports import Events

_WAIT_SECONDS = 5.0


class Request(Protocol):
    """One request of a person."""

    @property
    def command_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...


class Requests(Protocol):
    """Where requests come from. Raises StoreUnavailable."""

    async def next(self, wait_seconds: float) -> Request | None:
        """The oldest request that still stands; None when there is none in time."""

    async def reply(self, command_id: str, document: Mapping[str, Any]) -> None:
        """Answer it."""


async def run_commands(requests: Requests, events: Events, desk: Desk) -> None:
    """Answer requests until cancelled; what goes wrong with one is its answer."""
    while True:
        try:
            request = await requests.next(_WAIT_SECONDS)
            if request is not None:
                await requests.reply(request.command_id, await answer(desk, events, request))
        except StoreUnavailable:
            await asyncio.sleep(1.0)


async def answer(desk: Desk, events: Events, request: Request) -> dict[str, Any]:
    """The answer to one request, in plain values; `ok` is false when it was refused or could not be carried out."""
    told = request.arguments
    account = AccountId(str(told.get("account") or ""))
    try:
        match request.name:
            case "reconcile":
                return await beside_the_broker(desk, [account] if account else desk.session.accounts)
            case "settle":
                wish = Wish(account, Resolution(told["resolution"]), str(told["subject"]), str(told["by"]))
                return await settle(desk, events, wish)
            case _:
                return {"ok": False, "message": f"unknown request {request.name!r}", "reason_code": "unknown_request"}
    except ProcessorError as error:
        return {"ok": False, "message": f"{error} ({desk.session.advice})", "reason_code": error.reason_code}


async def beside_the_broker(desk: Desk, accounts: Sequence[AccountId]) -> dict[str, Any]:
    """Every order of the accounts' open events, and of those that hold an account, as the journal has it and as the
    broker shows it now; what of that is unsettled, and which commands settle it.

    Changes nothing. Raises PlanError, BrokerUnavailable, StoreUnavailable."""
    evidence = await ask(desk)
    pauses = await desk.journal.pauses()
    shown = [compared(await look(desk, account, evidence), pauses) for account in accounts]
    lines = [line for one in shown for line in one["lines"]]
    moving = sum(line["decision"] not in {"done", "settled"} for line in lines)
    open_questions = sum(len(one["unsettled"]) for one in shown)
    return {
        "ok": True,
        "message": f"{len(lines)} orders, {moving} not done; {open_questions} to be settled; nothing was changed",
        "taken_at": evidence.taken_at.isoformat(),
        "lines": lines,
        "accounts": shown,
    }
