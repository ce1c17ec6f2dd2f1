"""From what the probes found to a report; pure."""

from __future__ import annotations

import json
from dataclasses import replace

from healthcheck.probes import Finding, Found
from healthcheck.report import Check, Report, Status, read_report

_GATEWAY: dict[Found, tuple[Status, str, str]] = {
    Found.ANSWERED: (Status.READY, "The gateway answers API clients.", ""),
    Found.REFUSED: (
        Status.DOWN,
        "Nothing accepts connections there.",
        "Start the gateway, or wait until it is up.",
    ),
    Found.SILENT: (
        Status.AWAITING_LOGIN,
        "The port is open but the gateway does not answer: nobody is logged in yet.",
        "Approve the login on your phone (IB Key), or log in by hand in the gateway window.",
    ),
    Found.CLOSED: (
        Status.AWAITING_LOGIN,
        "The port is open but closes every connection: the gateway behind it is not up or not logged in.",
        "Approve the login on your phone (IB Key), or log in by hand in the gateway window.",
    ),
    Found.WRONG: (
        Status.DOWN,
        "Something else answers on this port.",
        "Check the host and the port of the gateway.",
    ),
}
_REDIS: dict[Found, tuple[Status, str, str]] = {
    Found.ANSWERED: (Status.READY, "Redis answers.", ""),
    Found.REFUSED: (Status.DOWN, "Nothing accepts connections there.", "Start Redis."),
    Found.SILENT: (
        Status.DOWN,
        "Redis does not answer in time.",
        "Look at its log; a full disk stops it, too.",
    ),
    Found.CLOSED: (Status.DOWN, "The connection was closed at once.", "Look at the log of Redis."),
    Found.WRONG: (Status.DOWN, "Redis refuses us.", "Check REDIS_URL and the password."),
}

_PROCESSOR_DOWN = (
    "The event processor does not answer.",
    "Start the event processor, and look at its log if it does not stay up.",
)


def judge_gateway(finding: Finding) -> Report:
    """What the handshake says about the gateway."""
    return _from_table("gateway", _GATEWAY, finding)


def judge_start(gateway: Report, passed: float, least: float) -> Report:
    """The gateway's report, but `starting` until `least` seconds have passed since the start."""
    early = passed < least
    checks = (*gateway.checks, Check("start", not early, f"{int(passed)} s of at least {least:g} s have passed"))
    if early:
        advice = "Wait; if your phone asks meanwhile, approve the login."
        return Report(Status.STARTING, "The gateway is still starting.", advice, checks)
    return replace(gateway, checks=checks)


def judge_redis(finding: Finding) -> Report:
    """What PING says about Redis."""
    return _from_table("redis", _REDIS, finding)


def judge_processor(finding: Finding) -> Report:
    """What the processor's own `/readyz` says; without an answer it is down."""
    if finding.found is Found.ANSWERED:
        try:
            return read_report(json.loads(finding.body))
        except ValueError:
            finding = Finding(Found.WRONG, f"{finding.detail}, but not with a health report")
    check = Check("processor", ok=False, reason=finding.detail)
    return Report(Status.DOWN, *_PROCESSOR_DOWN, (check,))


def judge_life(finding: Finding) -> Report:
    """What the processor's `/livez` says: whether the process answers, not whether it could trade."""
    check = Check("processor", ok=_alive(finding), reason=finding.detail)
    if check.ok:
        return Report(Status.READY, "The event processor runs.", "", (check,))
    return Report(Status.DOWN, *_PROCESSOR_DOWN, (check,))


def judge_stack(redis: Report, gateway: Report, processor: Report) -> Report:
    """The whole: the first part that is not ready, in the order in which they need each other.

    A processor that answers knows the session better than our handshake can; it is believed first. Only of a login to
    wait for nobody can speak while there is no gateway, which a relay in between hides from the processor.
    """
    checks = tuple(check for report in (redis, gateway, processor) for check in report.checks)
    hidden = processor.status is Status.AWAITING_LOGIN and gateway.status is Status.DOWN
    knows = processor.status is not Status.DOWN and not hidden
    order = (redis, processor, gateway) if knows else (redis, gateway, processor)
    worst = next((report for report in order if not report.ready), processor)
    return Report(worst.status, worst.reason, worst.advice, checks)


def _from_table(name: str, table: dict[Found, tuple[Status, str, str]], finding: Finding) -> Report:
    status, reason, advice = table[finding.found]
    check = Check(name, ok=finding.found is Found.ANSWERED, reason=finding.detail)
    return Report(status, reason, advice, (check,))


def _alive(finding: Finding) -> bool:
    try:
        return finding.found is Found.ANSWERED and json.loads(finding.body) == {"alive": True}
    except ValueError:
        return False
