from __future__ import annotations

from typing import Any

import pytest

from event_processor.entrypoints.cli.status import show_processor


def document(**changed: object) -> dict[str, Any]:
    """What a processor writes of itself while all is well."""
    return {
        "at": "2026-01-05T15:00:00+00:00",
        "version": "1.0",
        "trading_mode": "paper",
        "consumer": "one",
        "health": {"status": "ready", "reason": "The gateway answers."},
        "session": {"state": "ready", "advice": "Ready to trade.", "accounts": ["DU1234567"]},
        "login": {"deadline": "2026-01-11T06:00:00+00:00", "restart_awaited": None},
        "leases": [],
        "pauses": [],
        "cash_settling": [],
        **changed,
    }


def test_cash_that_the_broker_has_not_confirmed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever compares with the broker's page learns which figure counts; a status of an older processor has none."""
    show_processor(document(cash_settling=["DU1234567"]))
    assert "cash         DU1234567: the broker's figure may be from before the last run" in capsys.readouterr().out
    older = document()
    del older["cash_settling"]
    for silent in (document(), older):
        show_processor(silent)
        assert "cash" not in capsys.readouterr().out


def test_a_held_account_is_shown_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """`reconcile` settles what is held, `resume` ends a pause."""
    at = "2026-01-05T14:00:00+00:00"
    held = {"scope": "DU1234567", "reason": "position mismatch", "at": at, "held": True}
    show_processor(document(pauses=[held, {"scope": "DU7654321", "reason": "tax", "at": at, "held": False}]))
    said = capsys.readouterr().out
    assert "held         DU1234567 since 2026-01-05T14:00:00: position mismatch; rebalancer reconcile DU1234567" in said
    assert "paused       DU7654321 since 2026-01-05T14:00:00: tax; rebalancer resume DU7654321" in said
