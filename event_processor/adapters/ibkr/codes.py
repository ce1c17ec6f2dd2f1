"""IBKR's message codes and what they mean here.

Sources: TWS API, "Message Codes" (interactivebrokers.github.io/tws-api/message_codes.html) and "API Error
Codes" (IBKR Campus); that 10349 leaves the order alive is reported by users of ib_async. A code that is
not in these tables proves nothing: it is AMBIGUOUS, never a rejection.
"""

from __future__ import annotations

import re

from event_processor.domain.reports import NoticeKind
from event_processor.domain.session import SessionEvent

MESSAGE_RATE_EXCEEDED = 100
LINES_EXHAUSTED = 101
PRICE_STEP = 110
UNKNOWN_CONTRACT = 200
VALIDATION_FAILED = 321
CLIENT_ID_TAKEN = 326
DATA_LOST = 1101
PORT_RESET = 1300
COMPETING_SESSION = 10197

REQUEST_REFUSALS = frozenset({320, VALIDATION_FAILED, 322})
"""The gateway could not read, validate or process a request; for look-ups without an id the id is -1."""

_READ_ONLY = re.compile(r"read.?only", re.IGNORECASE)
_WARNING_RANGE = range(2100, 2200)

_ORDER_CODES: dict[int, NoticeKind] = {
    # alive: attributes ignored or adapted, held until the open, held until shares are found
    165: NoticeKind.WARNING,
    399: NoticeKind.WARNING,
    404: NoticeKind.WARNING,
    10167: NoticeKind.WARNING,
    10349: NoticeKind.WARNING,
    # the broker took nothing
    107: NoticeKind.REFUSED,  # cannot transmit incomplete order
    109: NoticeKind.REFUSED,  # price out of range, not transmitted
    111: NoticeKind.REFUSED,  # tif and order type are incompatible
    113: NoticeKind.REFUSED,  # MOC and LOC need DAY
    116: NoticeKind.REFUSED,  # dead exchange
    132: NoticeKind.REFUSED,  # no clearing account
    133: NoticeKind.REFUSED,  # submit new order failed
    UNKNOWN_CONTRACT: NoticeKind.REFUSED,
    201: NoticeKind.REFUSED,  # order rejected, reason in the text
    203: NoticeKind.REFUSED,  # security not available or allowed for this account
    VALIDATION_FAILED: NoticeKind.REFUSED,
    382: NoticeKind.REFUSED,  # price violates the ticks constraint of the presets
    383: NoticeKind.REFUSED,  # size violates the size constraint of the presets
    387: NoticeKind.REFUSED,  # unsupported order type for this exchange and security type
    388: NoticeKind.REFUSED,  # below the minimum size
    392: NoticeKind.REFUSED,  # contract expired
    434: NoticeKind.REFUSED,  # size cannot be zero
    435: NoticeKind.REFUSED,  # account missing
    436: NoticeKind.REFUSED,  # allocation missing
    460: NoticeKind.REFUSED,  # no trading permissions
    461: NoticeKind.REFUSED,  # no trading permissions for this kind of order
    463: NoticeKind.REFUSED,  # no valid price
    10052: NoticeKind.REFUSED,  # invalid time in force
    10243: NoticeKind.REFUSED,  # fractional size not permitted
    10289: NoticeKind.REFUSED,  # cash quantity missing
    202: NoticeKind.CANCELLED,
    # the cancel had no effect
    135: NoticeKind.CANCEL_REFUSED,  # no order with this id
    136: NoticeKind.CANCEL_REFUSED,  # cannot be cancelled
    161: NoticeKind.CANCEL_REFUSED,  # not in a cancellable state
    10147: NoticeKind.CANCEL_REFUSED,  # not found
    10148: NoticeKind.CANCEL_REFUSED,  # already done
    10149: NoticeKind.CANCEL_REFUSED,
    103: NoticeKind.NOT_TAKEN,  # duplicate order id
}

_SESSION_CODES: dict[int, SessionEvent] = {
    1100: SessionEvent.LINK_LOST,
    2110: SessionEvent.LINK_LOST,
    DATA_LOST: SessionEvent.LINK_RESTORED,
    1102: SessionEvent.LINK_RESTORED,
    COMPETING_SESSION: SessionEvent.COMPETING,
}

DATA_REFUSALS: dict[int, str] = {
    LINES_EXHAUSTED: "too many market data lines are in use",
    UNKNOWN_CONTRACT: "IBKR does not know the contract",
    VALIDATION_FAILED: "the gateway refused the request",
    354: "no market data subscription",
    10089: "no market data subscription for the API",
    10168: "no market data subscription, and delayed data is not enabled",
    10186: "no market data subscription, and delayed data is not enabled",
    10189: "no market data subscription",
}
"""The line is dead: nothing will come."""

DATA_NOTICES: dict[int, str] = {
    10090: "part of the market data is not subscribed",
    10091: "part of the market data needs a subscription for the API",
    10167: "no live market data subscription, only delayed data",
    COMPETING_SESSION: "another login of this user has the market data",
}
"""The line stays open; data may still come."""


def is_read_only(code: int, text: str) -> bool:
    """Whether this is the gateway's refusal to take orders (and order look-ups) at all."""
    return code == VALIDATION_FAILED and bool(_READ_ONLY.search(text))


def order_notice(code: int, text: str, *, working: bool) -> NoticeKind:
    """What the code says of the order it names; `working` is whether the broker had accepted it before.

    110 (price step) refuses a new order and only warns about a working one.
    """
    if is_read_only(code, text):
        return NoticeKind.READ_ONLY
    if code == PRICE_STEP:
        return NoticeKind.WARNING if working else NoticeKind.REFUSED
    if code in _WARNING_RANGE:
        return NoticeKind.WARNING
    return _ORDER_CODES.get(code, NoticeKind.AMBIGUOUS)


def session_event(code: int, text: str) -> SessionEvent | None:
    """What the code says of the session; None when nothing."""
    if is_read_only(code, text):
        return SessionEvent.READ_ONLY
    return _SESSION_CODES.get(code)
