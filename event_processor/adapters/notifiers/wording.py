"""Facts in words for people: what happened, why, what to do. Pure; facts that nobody is told give None."""

from __future__ import annotations

from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.wording_events import event_message
from event_processor.adapters.notifiers.words import REVIEW_ADVICE, Words
from event_processor.domain.facts import (
    AccountHeld,
    DoubtSettled,
    EntryDeadLettered,
    EventClosed,
    EventWaiting,
    Fact,
    ProcessorHalted,
    ProcessorStarted,
    ProcessorStopped,
    StoreUnsafe,
    TradingPauseChanged,
)
from event_processor.domain.login_facts import LoginDone, LoginDue, LoginNeeded, LoginOverdue
from event_processor.domain.topics import Topic

ASKED_TO_STOP = "asked to stop"
"""The reason of a tidy stop; every other one is a crash."""


def message_of(fact: Fact, words: Words) -> Message | None:
    """The message that this fact alone is worth."""
    match fact:
        case LoginDue() | LoginNeeded() | LoginOverdue() | LoginDone():
            return _login(fact, words)
        case EventClosed() | EventWaiting() | EntryDeadLettered():
            return event_message(fact, words)
        case AccountHeld() | DoubtSettled():
            return _review(fact, words)
        case ProcessorHalted() | ProcessorStopped() | ProcessorStarted():
            return _life(fact, words)
        case StoreUnsafe(findings=findings):
            return words.message(
                Topic.STORE,
                Urgency.SOON,
                "Redis may lose what is written",
                "; ".join(findings),
                "Change the settings of Redis as said above, then restart it.",
            )
        case TradingPauseChanged():
            return _pause(fact, words)
        case _:
            return None


def _login(fact: LoginDue | LoginNeeded | LoginOverdue | LoginDone, words: Words) -> Message:
    match fact:
        case LoginDue(deadline=deadline, hours=hours):
            return words.message(
                Topic.LOGIN,
                Urgency.NEWS if hours > 1 else Urgency.SOON,
                f"Login due in {hours} h",
                f"The weekly login at IBKR ends {words.at(deadline)}. After that nothing is traded until the second "
                "factor has been approved again.",
                f"Have your phone with IBKR Mobile at hand then. The gateway's window: {words.login_url}",
            )
        case LoginNeeded(since=since, prompt=prompt, seconds=seconds):
            again = f" This is prompt number {prompt} since {words.at(since)}." if prompt > 1 else ""
            minutes = f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"  # noqa: PLR2004 - two minutes
            return words.message(
                Topic.LOGIN,
                Urgency.SOON,
                f"Approve the login now: {minutes}",
                f"The gateway asks for the second factor.{again} Events wait until it is approved.",
                f"Approve it in IBKR Mobile on your phone, or look at {words.login_url}",
                mark=f"prompt {since.isoformat()} {prompt}",
            )
        case LoginOverdue(since=since, opens_at=opens_at, market_open=is_open):
            when = "The market is open" if is_open else f"The market opens {words.at(opens_at)}"
            return words.message(
                Topic.LOGIN,
                Urgency.NOW,
                "Nobody is logged in, market is open" if is_open else "Nobody is logged in, market opens soon",
                f"{when}, and nobody has been logged in at IBKR since {words.at(since)}. Events wait.",
                f"Log in at {words.login_url} and approve the second factor in IBKR Mobile.",
                mark=f"overdue {is_open}",
            )
        case LoginDone(since=since):
            return words.message(
                Topic.LOGIN,
                Urgency.NEWS,
                "Logged in",
                f"The login that was asked for since {words.at(since)} is done. Events go on by themselves.",
            )


def _review(fact: AccountHeld | DoubtSettled, words: Words) -> Message:
    match fact:
        case AccountHeld(account=account, reason=reason):
            return words.message(
                Topic.REVIEW,
                Urgency.NOW,
                f"Account {account} is held",
                f"{reason} Nothing more is sent in this account until you have settled it.",
                REVIEW_ADVICE,
            )
        case DoubtSettled(subject=subject, resolution=resolution, by=by, account=account):
            return words.message(
                Topic.REVIEW,
                Urgency.NEWS,
                f"Settled: {resolution}",
                f"{by} settled {subject} in account {account}: {resolution}.",
            )


def _life(fact: ProcessorHalted | ProcessorStopped | ProcessorStarted, words: Words) -> Message:
    match fact:
        case ProcessorHalted(reason=reason, account=account):
            where = f" in account {account}" if account else ""
            return words.message(
                Topic.HALTED,
                Urgency.NOW,
                f"Trading halted{where}",
                f"Something happened that must not happen: {reason}. Nothing more is sent{where}.",
                f"Keep the log (`processor.halted`). {REVIEW_ADVICE}",
            )
        case ProcessorStopped(reason=reason) if reason != ASKED_TO_STOP:
            return words.message(
                Topic.HALTED,
                Urgency.NOW,
                "The processor crashed",
                f"It stopped: {reason}. Orders at the broker go on; they are found again at the next start.",
                "Look whether it was started again (`rebalancer status`), and keep the log.",
            )
        case ProcessorStopped():
            return words.message(
                Topic.PROCESSOR, Urgency.NEWS, "Stopped", "The processor was asked to stop, and did. Events wait."
            )
        case ProcessorStarted(version=version, trading_mode=mode):
            return words.message(
                Topic.PROCESSOR, Urgency.NEWS, f"Started ({mode})", f"Version {version} runs in {mode} mode."
            )


def _pause(fact: TradingPauseChanged, words: Words) -> Message:
    where = "all accounts" if fact.scope == "all" else f"account {fact.scope}"
    if fact.paused:
        return words.message(
            Topic.TRADING,
            Urgency.SOON,
            "Trading is paused",
            f"In {where} no new order leaves: {fact.reason}",
            "When it may go on: "
            + ("`make resume`" if fact.scope == "all" else "`make resume ACCOUNT=` with the account or its alias"),
        )
    return words.message(
        Topic.TRADING, Urgency.NEWS, "Trading goes on", f"The pause of {where} is lifted. It was: {fact.reason}"
    )
