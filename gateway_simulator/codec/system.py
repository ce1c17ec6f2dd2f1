"""Answers about the connection: ids, accounts, errors, time, bulletins."""

from __future__ import annotations

from collections.abc import Iterable

from gateway_simulator.codec.fields import message

_ADVANCED_REJECT = 166


def next_valid_id(order_id: int) -> list[str]:
    """The lowest order id this client may use."""
    return message(9, 1, order_id)


def managed_accounts(accounts: Iterable[str]) -> list[str]:
    """All accounts of the login."""
    return message(15, 1, ",".join(accounts))


def error(server_version: int, request_id: int, code: int, text: str, advanced_reject_json: str = "") -> list[str]:
    """An error, a warning or a notice; request id -1 when it concerns no request."""
    fields = message(4, 2, request_id, code, text)
    if server_version >= _ADVANCED_REJECT:
        fields.append(advanced_reject_json)
    return fields


def current_time(seconds: int) -> list[str]:
    """The gateway's clock, in whole seconds since the epoch."""
    return message(49, 1, seconds)


def user_info(request_id: int, white_branding_id: str = "") -> list[str]:
    """The brand under which the user was signed up; empty for IBKR itself."""
    return message(107, request_id, white_branding_id)


def news_bulletin(bulletin_id: int, kind: int, text: str, exchange: str) -> list[str]:
    """A bulletin; kind 1 regular, 2 exchange closed to trading, 3 exchange open again."""
    return message(14, 1, bulletin_id, kind, text, exchange)
