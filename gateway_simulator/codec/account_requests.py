"""What a client can ask about the login, its accounts and positions.

The order of fields is the order on the wire (see `requests`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartApi:
    """The first message after the handshake: who the client is."""

    client_id: int
    optional_capabilities: str


@dataclass(frozen=True, slots=True)
class ReqManagedAccts:
    """The accounts of the login."""


@dataclass(frozen=True, slots=True)
class ReqUserInfo:
    """The brand under which the user was signed up."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqCurrentTime:
    """The gateway's clock."""


@dataclass(frozen=True, slots=True)
class SetServerLogLevel:
    """How much the gateway logs: 1 system, 2 error, 3 warning, 4 information, 5 detail."""

    level: int


@dataclass(frozen=True, slots=True)
class ReqNewsBulletins:
    """Bulletins from now on, and with `all_messages` those of today."""

    all_messages: bool


@dataclass(frozen=True, slots=True)
class CancelNewsBulletins:
    """No more bulletins."""


@dataclass(frozen=True, slots=True)
class ReqAccountUpdates:
    """Start or stop values and portfolio of one account."""

    subscribe: bool
    account: str


@dataclass(frozen=True, slots=True)
class ReqAccountUpdatesMulti:
    """Values of one account or model, and their changes."""

    request_id: int
    account: str
    model_code: str
    ledger_and_nlv: bool


@dataclass(frozen=True, slots=True)
class CancelAccountUpdatesMulti:
    """No more values for this request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqAccountSummary:
    """Values by tag (a list with commas) of a group of accounts (`All`), and their changes."""

    request_id: int
    group: str
    tags: str


@dataclass(frozen=True, slots=True)
class CancelAccountSummary:
    """No more summary for this request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqPositions:
    """Positions of all accounts, and their changes."""


@dataclass(frozen=True, slots=True)
class CancelPositions:
    """No more positions."""


@dataclass(frozen=True, slots=True)
class ReqPositionsMulti:
    """Positions of one account or model, and their changes."""

    request_id: int
    account: str
    model_code: str


@dataclass(frozen=True, slots=True)
class CancelPositionsMulti:
    """No more positions for this request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqPnL:
    """Profit and loss of one account, streaming."""

    request_id: int
    account: str
    model_code: str


@dataclass(frozen=True, slots=True)
class CancelPnL:
    """No more profit and loss for this request."""

    request_id: int


@dataclass(frozen=True, slots=True)
class ReqPnLSingle:
    """Profit and loss of one position, streaming."""

    request_id: int
    account: str
    model_code: str
    con_id: int


@dataclass(frozen=True, slots=True)
class CancelPnLSingle:
    """No more profit and loss for this request."""

    request_id: int
