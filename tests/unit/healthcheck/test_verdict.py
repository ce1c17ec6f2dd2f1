from __future__ import annotations

import json

import pytest

from healthcheck.probes import Finding, Found
from healthcheck.report import Check, Report, Status, read_report
from healthcheck.verdict import judge_gateway, judge_processor, judge_redis, judge_stack


def report(status: Status, name: str = "session") -> Report:
    return Report(status, f"{status} because", "do this", (Check(name, ok=status is Status.READY),))


def test_a_report_survives_its_json() -> None:
    """What one side writes the other reads, whole."""
    sent = report(Status.CONTENDED)
    assert read_report(json.loads(sent.line())) == sent
    assert json.loads(sent.line())["ready"] is False


@pytest.mark.parametrize("status", Status)
def test_only_one_word_means_that_it_could_trade_now(status: Status) -> None:
    """A paused processor is as well as can be, and trades nothing."""
    assert report(status).ready is (status is Status.READY)


@pytest.mark.parametrize("found", [{}, {"status": "splendid", "reason": "", "advice": ""}, {"checks": [3]}])
def test_what_is_not_a_report_is_refused(found: dict[str, object]) -> None:
    """A missing field or an unknown status is an error, never a guess."""
    with pytest.raises(ValueError, match=r"."):
        read_report(found)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (Found.ANSWERED, Status.READY),
        (Found.REFUSED, Status.DOWN),
        (Found.SILENT, Status.AWAITING_LOGIN),
        (Found.CLOSED, Status.AWAITING_LOGIN),
        (Found.WRONG, Status.DOWN),
    ],
)
def test_the_gateways_status(found: Found, status: Status) -> None:
    """Each thing the handshake can meet has its word, and what is not ready has advice."""
    verdict = judge_gateway(Finding(found, "seen"))
    assert verdict.status is status
    assert bool(verdict.advice) is not verdict.ready
    assert verdict.checks == (Check("gateway", verdict.ready, "seen"),)


@pytest.mark.parametrize("found", list(Found))
def test_redis_is_ready_only_when_it_answers(found: Found) -> None:
    """Nothing but PONG counts."""
    assert judge_redis(Finding(found)).ready is (found is Found.ANSWERED)


def test_the_processor_is_believed() -> None:
    """Its own report passes unchanged."""
    sent = report(Status.LINK_LOST)
    assert judge_processor(Finding(Found.ANSWERED, "", sent.line())) == sent


@pytest.mark.parametrize("finding", [Finding(Found.REFUSED, "x"), Finding(Found.ANSWERED, "x", "<html>")])
def test_a_processor_without_a_report_is_down(finding: Finding) -> None:
    """No answer and an answer in other words are the same to us."""
    assert judge_processor(finding).status is Status.DOWN


def test_the_stack_is_what_its_first_sick_part_is() -> None:
    """Redis before all; then the processor's word before our own handshake, when it answers."""
    good, bad = report(Status.READY), report(Status.DOWN)
    assert judge_stack(good, good, good).ready
    assert judge_stack(bad, report(Status.AWAITING_LOGIN), bad).reason == bad.reason
    assert judge_stack(bad, good, report(Status.STORE_LOST)).status is Status.DOWN
    assert judge_stack(good, report(Status.AWAITING_LOGIN), bad).status is Status.AWAITING_LOGIN
    assert judge_stack(good, report(Status.DOWN), report(Status.CONTENDED)).status is Status.CONTENDED
    assert len(judge_stack(good, bad, good).checks) == 3


def test_nobody_waits_for_a_login_to_a_gateway_that_is_not_there() -> None:
    """Behind a relay the processor cannot tell the two apart; our own look at the gateway can."""
    waits, gone = report(Status.AWAITING_LOGIN), report(Status.DOWN, "gateway")
    assert judge_stack(report(Status.READY), gone, waits).status is Status.DOWN
    assert judge_stack(report(Status.READY), report(Status.READY), waits).status is Status.AWAITING_LOGIN
