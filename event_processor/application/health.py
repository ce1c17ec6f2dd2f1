"""Live state -> the shared health report: could it trade now, and if not, why and what to do."""

from __future__ import annotations

from event_processor.application.desk import Desk
from event_processor.domain.session import SessionState
from healthcheck.report import Check, Report, Status

STORE_TROUBLE = "Redis does not answer, or refuses writes"

_STATUS: dict[SessionState, Status] = {
    SessionState.DOWN: Status.DOWN,
    SessionState.AWAITING_LOGIN: Status.AWAITING_LOGIN,
    SessionState.CLIENT_ID_IN_USE: Status.DOWN,
    SessionState.RESTARTING: Status.RESTARTING,
    SessionState.STEPPED_BACK: Status.CONTENDED,
    SessionState.SYNCING: Status.STARTING,
    SessionState.READY: Status.READY,
    SessionState.LINK_LOST: Status.LINK_LOST,
    SessionState.CONTENDED: Status.CONTENDED,
    SessionState.READ_ONLY: Status.READ_ONLY,
    SessionState.STOPPED: Status.DOWN,
}


def health(desk: Desk, *, store_lost: bool) -> Report:
    """The worst thing decides; every check is listed."""
    session, pauses = desk.session, desk.pauses.current
    everything = next((pause for pause in pauses if pause.scope == "all"), None)
    stopped = [desk.pauses.on(account) for account in session.accounts]
    held = next((pause for pause in stopped if pause and pause.held), None)
    checks = (
        Check(
            "session", session.ready, session.advice if not session.detail else f"{session.advice} ({session.detail})"
        ),
        Check("store", not store_lost, STORE_TROUBLE if store_lost else "durable"),
        Check("trading", not pauses, "; ".join(f"{pause.scope}: {pause.reason}" for pause in pauses) or "not paused"),
    )
    if store_lost:
        return Report(Status.STORE_LOST, STORE_TROUBLE, "Start Redis, or look at its log, memory and disk.", checks)
    if not session.ready:
        return Report(_STATUS[session.state], session.detail or str(session.state), session.advice, checks)
    if everything:
        return Report(Status.PAUSED, everything.reason, "Run `rebalancer resume` when trading may go on.", checks)
    if held and all(stopped):
        advice = "Run `rebalancer status` and `rebalancer reconcile`, settle what is open, then `rebalancer resume`."
        return Report(Status.HALTED, held.reason, advice, checks)
    return Report(Status.READY, "ready to trade", session.advice, checks)
