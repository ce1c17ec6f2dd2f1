"""Two gateways, each with a login and a processor of its own, over one Redis: each processor trades its accounts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.chaos.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.producer import PORTFOLIOS, scenario
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(150)

HERE, THERE, NOBODYS = "DU1000001", "DU1000002", "DU1000009"
LEASE = 5
NEVER_FILL = '[[fault]]\naction = "order"\nside = "SELL"\nnever_fill = true\n'


def two(start: StartStack, folder: Path, *, rest: str = "") -> tuple[Stack, Stack]:
    """A stack for each login, both ready; the second one lives on the Redis of the first."""
    first = start(scenario([HERE], rest=rest), LEASE_SECONDS=str(LEASE))
    first.wait_session("ready")
    (folder / "there").mkdir()
    settings = {"LEASE_SECONDS": str(LEASE), "CONSUMER_NAME": "processor-2"}
    second = start(scenario([THERE], rest=rest), folder="there", beside=first, **settings)
    second.wait_session("ready")
    return first, second


def check(first: Stack, second: Stack, finals: Mapping[str, str]) -> None:
    """Each event came to its end, and each login saw orders of its own account only."""
    for stack, account in ((first, HERE), (second, THERE)):
        check_ledger(stack, finals)
        assert {order["account"] for order in stack.ledger("order_accepted")} <= {account}


def test_each_event_is_traded_where_its_account_is(start: StartStack, tmp_path: Path) -> None:
    """Whichever processor takes the entry; what belongs to nobody is told, and requests find who can answer."""
    first, second = two(start, tmp_path)
    finals = {}
    for number in range(4):
        for stack, account in ((first, HERE), (second, THERE)):
            event_id = f"{account}-{number}"
            stack.publish(event_id, PORTFOLIOS[number % len(PORTFOLIOS)], account=account)
            finals[event_id] = "completed"
        for stack, account in ((first, HERE), (second, THERE)):
            stack.wait_final(f"{account}-{number}")
    first.publish("slip", PORTFOLIOS[0], account=NOBODYS)
    slip = first.wait_final("slip")
    assert (slip["outcome"], slip["reason_code"]) == ("failed", "account_unknown")
    assert HERE in slip["reason"]
    assert THERE in slip["reason"]
    check(first, second, finals | {"slip": "failed"})
    for account in (HERE, THERE):
        assert [one["account"] for one in first.cli_json("reconcile", account)["accounts"]] == [account]
    assert [one["account"] for one in first.cli_json("reconcile")["accounts"]] == [HERE, THERE]
    status = first.cli_json("status")
    assert [status["processor"]["consumer"], *(one["consumer"] for one in status["others"])] == [
        "processor-1",
        "processor-2",
    ]


def test_killing_one_leaves_the_work_of_the_other_alone(start: StartStack, tmp_path: Path) -> None:
    """With orders of both out: the survivor finishes its own and touches nothing else; the dead one's waits, and says
    for whom, until its processor is back and finishes it."""
    first, second = two(start, tmp_path, rest=NEVER_FILL)
    for stack, account in ((first, HERE), (second, THERE)):
        stack.publish(account, PORTFOLIOS[0], account=account)
        stack.wait_ledger("order_accepted", 2, side="SELL")
    second.processor.kill()
    second.control("release")
    second.publish("later", PORTFOLIOS[1], account=THERE, dry_run=True)
    first.processor.wait_for_line("in the login of processor-2, which is not running", seconds_max=LEASE * 4)
    first.control("release")
    assert first.wait_final(HERE)["outcome"] == "completed"
    assert {line["reason_code"] for line in first.cli_json("status")["processor"]["waiting"]} == {"account_elsewhere"}
    assert len(second.ledger("order_accepted")) == 2
    second.start()
    second.wait_final("later")
    check(first, second, {HERE: "completed", THERE: "completed", "later": "completed"})
