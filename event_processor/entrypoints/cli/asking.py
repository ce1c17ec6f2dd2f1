"""Asks the running processors: the one whose login has the account, or one of each login."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from event_processor.adapters.redis.commands import RedisCommands
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.views import RedisViews
from event_processor.domain.ids import AccountId
from event_processor.domain.whereabouts import Login, holder_of
from event_processor.settings import Settings

REPLY_SECONDS = 30.0
ANY = ""


async def ask(link: RedisLink, name: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer, put together when several logins had to be asked; None when nobody answered in time."""
    logins, alive_seconds = await RedisViews(link).logins(), Settings.load().lease_seconds
    account = str(arguments.get("account") or "")
    asked = [holder_of(AccountId(account), logins, alive_seconds)] if account else one_of_each(logins, alive_seconds)
    commands = RedisCommands(link)

    async def answer(processor: str) -> dict[str, Any] | None:
        return await commands.wait_reply(await commands.send(name, arguments, to=processor), REPLY_SECONDS)

    return together(dict(zip(asked, await asyncio.gather(*map(answer, asked)), strict=True)))


def one_of_each(logins: Sequence[Login], alive_seconds: float) -> list[str]:
    """Living processors that together have all accounts; any will do when one login has them."""
    seen: set[AccountId] = set()
    chosen = []
    for login in logins:
        if login.seconds_ago < alive_seconds and not seen.issuperset(login.accounts):
            seen.update(login.accounts)
            chosen.append(login.processor)
    return chosen if len(chosen) > 1 else [ANY]


def together(answers: Mapping[str, dict[str, Any] | None]) -> dict[str, Any] | None:
    """One answer out of those of several processors; None when there is none at all."""
    told = [answer for answer in answers.values() if answer is not None]
    if len(answers) == 1 or not told:
        return told[0] if told else None
    silent = f"no answer in {REPLY_SECONDS:g} s"
    words = (f"{name}: {answer['message'] if answer else silent}" for name, answer in answers.items())
    return {
        "ok": all(answer and answer.get("ok") for answer in answers.values()),
        "message": "\n".join(words),
        "taken_at": min((answer["taken_at"] for answer in told if "taken_at" in answer), default=""),
        "lines": [line for answer in told for line in answer.get("lines", ())],
        "accounts": [account for answer in told for account in answer.get("accounts", ())],
    }
