"""Exit codes of the command, and which outcome leads to which."""

from __future__ import annotations

from enum import IntEnum

from event_processor.domain.record import Outcome
from event_processor.errors import ConfigurationError, EventError, ProcessorError, StoreUnavailable


class Exit(IntEnum):
    """What a script can rely on."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REVIEW = 4
    TIMEOUT = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "it did not work, or the event did not reach its targets",
    Exit.USAGE: "called wrongly, or a setting is wrong",
    Exit.UNREACHABLE: "Redis or the processor does not answer",
    Exit.REVIEW: "a person must look: the event needs review",
    Exit.TIMEOUT: "the wait is over, and what was waited for goes on",
    Exit.INTERRUPTED: "interrupted",
}

EPILOG = "Exit codes: " + ", ".join(f"{code.value} {text}" for code, text in MEANINGS.items()) + "."

REACHED = frozenset({Outcome.COMPLETED, Outcome.COMPLETED_ADJUSTED, Outcome.NO_CHANGE})


def exit_for_outcome(outcome: Outcome) -> Exit:
    """The exit code of a final outcome."""
    if outcome is Outcome.NEEDS_REVIEW:
        return Exit.REVIEW
    return Exit.OK if outcome in REACHED else Exit.FAILED


def exit_for_error(error: ProcessorError) -> Exit:
    """The exit code of an error that ended a command."""
    match error:
        case ConfigurationError() | EventError():
            return Exit.USAGE
        case StoreUnavailable():
            return Exit.UNREACHABLE
        case _:
            return Exit.FAILED
