"""What `rebalancer status` shows: the processor's state as one document, written whenever something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from event_processor.application.bell import Bell
from event_processor.application.desk import Desk
from event_processor.application.processor import AccountProcessor
from event_processor.domain.ids import AccountId
from event_processor.errors import StoreUnavailable
from healthcheck.report import Report

_EVERY_SECONDS = 1.0
_LIFE_SECONDS = 10.0


class StatusStore(Protocol):
    """Where the document goes."""

    async def write_status(self, name: str, document: Mapping[str, Any], ttl_seconds: float) -> None:
        """Replace this processor's document; it disappears by itself when the processor stops writing it."""


async def run_status(
    store: StatusStore,
    desk: Desk,
    report: Callable[[], Report],
    processors: Callable[[], Mapping[AccountId, AccountProcessor]],
    about: Mapping[str, Any],
    login: Callable[[], Mapping[str, Any]],
) -> None:
    """Write it on every change and once a second, until cancelled."""
    listener = Bell()
    with desk.bell.link(listener):
        while True:
            try:
                told = {**document(desk, report(), processors(), about), "login": login()}
                await store.write_status(str(about["consumer"]), told, _LIFE_SECONDS)
            except StoreUnavailable:
                await asyncio.sleep(_EVERY_SECONDS)
            await listener.heard(_EVERY_SECONDS)
            await asyncio.sleep(0.05)


def document(
    desk: Desk, report: Report, processors: Mapping[AccountId, AccountProcessor], about: Mapping[str, Any]
) -> dict[str, Any]:
    """The state now, in plain JSON values."""
    session = desk.session
    return {
        **about,
        "at": desk.clock.now().isoformat(),
        "health": report.as_json(),
        "session": {
            "state": str(session.state),
            "advice": session.advice,
            "detail": session.detail,
            "accounts": list(session.accounts),
        },
        "leases": list(desk.leases.accounts()),
        "cash_settling": list(desk.book.unconfirmed()),
        "pauses": [
            {"scope": pause.scope, "reason": pause.reason, "at": pause.at.isoformat(), "held": pause.held}
            for pause in desk.pauses.current
        ],
        "waiting": [
            {
                "key": key,
                "account": account,
                "reason_code": wait.code,
                "reason": wait.reason,
                "until": wait.until.isoformat() if wait.until else None,
            }
            for account, processor in processors.items()
            for key, wait in processor.waits.items()
        ],
    }
