"""Every error of the processor, with what the loop does about it (its disposition).

    ProcessorError
      ConfigurationError               REFUSE       do not start
      EventError                       DEAD_LETTER
        EventMalformed                              not a rebalance event, version 1
        EventConflict                               same source and id, another body
      EventRefused                     REJECT       well-formed, but this processor may not or cannot do it
      PlanError                        FAIL         known, definite, nothing placed
        ContractUnresolved                          unknown or ambiguous instrument
        LimitBreached                               the plan exceeds a limit
      OrdersSettling                   WAIT         our own orders of before are still shown as open
      CashSettling                     WAIT         cash went out, and the broker's figure may be an old one
      ForeignOrdersOpen                REVIEW       somebody else works the same contract
      AccountElsewhere                 WAIT         the account is in the login of another processor
      BrokerUnavailable                WAIT
        GatewayDisconnected                         socket lost, refused, or no answer in time
        SessionContended                            another login took the session
        LoginRequired                               the gateway waits for a person
        ReadOnlyApi                                 the gateway refuses orders and look-ups
      MarketClosed                     WAIT         outside the liquid hours of a contract of the plan
      QuotesUnavailable                WAIT         no price fresh enough to plan on
      PlanStale                        WAIT         planned, but nothing could be sent for too long
      StoreUnavailable                 WAIT         no durable write, therefore no order
      TradingPaused                    WAIT         a person paused, or the account is held for review
      LeaseLost                        YIELD        another processor works on this account now
      OutcomeUnknown                   REVIEW       ambiguous: an order may be live and nobody can prove it
      InvariantViolated                HALT         a bug or a broken store: stop trading, keep health and CLI up

The class docstring is the default message.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto


class Disposition(Enum):
    """What the loop does with an error; matched on once, in `application/processor.py`."""

    REFUSE = auto()
    DEAD_LETTER = auto()
    REJECT = auto()
    FAIL = auto()
    WAIT = auto()
    YIELD = auto()
    REVIEW = auto()
    HALT = auto()


class ProcessorError(Exception):
    """Something the processor knows how to answer went wrong."""

    disposition = Disposition.HALT
    reason_code = "error"

    def __init__(self, message: str = "", *, reason_code: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        if reason_code:
            self.reason_code = reason_code


class ConfigurationError(ProcessorError):
    """The settings cannot be used as they are."""

    disposition = Disposition.REFUSE
    reason_code = "configuration"


class EventError(ProcessorError):
    """The entry cannot become a rebalance event."""

    disposition = Disposition.DEAD_LETTER
    reason_code = "event"


class EventMalformed(EventError):
    """The entry is not a rebalance event, version 1."""

    reason_code = "malformed"


class EventConflict(EventError):
    """An event with the same source and id but another body was accepted before."""

    reason_code = "conflict"


class EventRefused(ProcessorError):
    """The event is well-formed, but this processor may not or cannot act on it."""

    disposition = Disposition.REJECT
    reason_code = "refused"


class PlanError(ProcessorError):
    """No plan can be made for this event; nothing was placed."""

    disposition = Disposition.FAIL
    reason_code = "plan"


class ContractUnresolved(PlanError):
    """An instrument is unknown or ambiguous at IBKR."""

    reason_code = "contract_unresolved"


class LimitBreached(PlanError):
    """The plan exceeds a limit of the event or of the account."""

    reason_code = "limit_breached"


class OrdersSettling(ProcessorError):
    """Orders of an event before this one are still shown as open; shortly after their end that may lag."""

    disposition = Disposition.WAIT
    reason_code = "orders_settling"


class CashSettling(ProcessorError):
    """Cash went out beside our trades, and the broker's figure may be old for three and a half minutes."""

    disposition = Disposition.WAIT
    reason_code = "cash_settling"


class ForeignOrdersOpen(ProcessorError):
    """Orders that are not ours are open on a contract we would trade."""

    disposition = Disposition.REVIEW
    reason_code = "foreign_orders"


class AccountElsewhere(ProcessorError):
    """The account is not in this processor's login, but may be in another's."""

    disposition = Disposition.WAIT
    reason_code = "account_elsewhere"


class BrokerUnavailable(ProcessorError):
    """The broker session cannot be used at the moment."""

    disposition = Disposition.WAIT
    reason_code = "broker_unavailable"


class GatewayDisconnected(BrokerUnavailable):
    """The gateway does not answer."""

    reason_code = "gateway_disconnected"


class SessionContended(BrokerUnavailable):
    """Somebody else is logged in with this user name."""

    reason_code = "session_contended"


class LoginRequired(BrokerUnavailable):
    """The gateway waits for a login."""

    reason_code = "login_required"


class ReadOnlyApi(BrokerUnavailable):
    """The gateway's API is read-only: it refuses orders."""

    reason_code = "read_only"


class MarketClosed(ProcessorError):
    """The market is closed; `until` is when it opens, as far as IBKR says."""

    disposition = Disposition.WAIT
    reason_code = "market_closed"

    def __init__(self, message: str = "", *, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class PlanStale(ProcessorError):
    """The plan is too old to be started; it is made anew."""

    disposition = Disposition.WAIT
    reason_code = "plan_stale"


class QuotesUnavailable(ProcessorError):
    """There is no price fresh enough to plan on."""

    disposition = Disposition.WAIT
    reason_code = "quotes_unavailable"


class StoreUnavailable(ProcessorError):
    """Redis did not confirm a write; without a durable write no order leaves."""

    disposition = Disposition.WAIT
    reason_code = "store_unavailable"


class TradingPaused(ProcessorError):
    """Trading is paused."""

    disposition = Disposition.WAIT
    reason_code = "paused"


class LeaseLost(ProcessorError):
    """Another processor holds the lease of this account."""

    disposition = Disposition.YIELD
    reason_code = "lease_lost"


class OutcomeUnknown(ProcessorError):
    """Whether an order reached the broker could not be proven either way."""

    disposition = Disposition.REVIEW
    reason_code = "outcome_unknown"


class InvariantViolated(ProcessorError):
    """Something that cannot happen happened; trading stops until a person has looked."""

    disposition = Disposition.HALT
    reason_code = "invariant"
