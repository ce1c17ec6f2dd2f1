"""The right to work on an account: acquired once, renewed in the background, never assumed when late."""

from __future__ import annotations

import asyncio
import math

from event_processor.application.bell import Bell
from event_processor.domain.facts import LeaseChanged
from event_processor.domain.ids import AccountId
from event_processor.errors import LeaseLost, StoreUnavailable
from event_processor.ports import Clock, Journal, Lease, Observer

_SAFE_SHARE = 0.7
"""The share of a lease's life after which we no longer trust it unless it was renewed: a stalled host wakes
up without knowing how long it slept, but its monotonic clock does."""


class Leases:
    """Our leases. `fresh` is asked right before an order leaves."""

    def __init__(
        self, journal: Journal, clock: Clock, observer: Observer, bell: Bell, *, owner: str, seconds: float
    ) -> None:
        """`owner` survives restarts; which start of it this is, is told by the clock."""
        self._journal, self._clock, self._observer, self._bell = journal, clock, observer, bell
        self._owner, self._seconds = owner, seconds
        self.started_at = clock.now()
        self._start = int(self.started_at.timestamp() * 1_000_000)
        self._first_held: dict[AccountId, float] = {}
        self._held: dict[AccountId, tuple[Lease, float]] = {}
        self._lost_at: dict[AccountId, float] = {}

    async def hold(self, account: AccountId, *, take_over: bool = True) -> Lease | None:
        """The account's lease, ours already or acquired now; None while another processor has it, and for one
        lease's time after another took it from us. With `take_over` a former self of ours gives way."""
        owner = f"{self._owner}#{self._start if take_over else 0}"
        held = self._held.get(account)
        # One without take_over may be shared with a former self of ours: good for telling, not for trading.
        if held and self.fresh(account) and not (take_over and held[0].owner != owner):
            return held[0]
        asked = self._clock.monotonic()
        if asked - self._lost_at.get(account, float("-inf")) < self._seconds:
            return None
        lease = await self._journal.acquire(account, owner, self._seconds)
        if lease is None:
            self.drop(account)
            return None
        if held is None or held[0].token != lease.token:
            self._observer.observe(LeaseChanged(account=account, held=True, token=lease.token))
        self._held[account] = (lease, asked)
        self._first_held.setdefault(account, self._clock.monotonic())
        return lease

    def first_held(self, account: AccountId) -> float:
        """Since when, at the latest, no process before this one can have sent anything for the account (monotonic
        seconds); infinite while that has not begun."""
        return self._first_held.get(account, math.inf)

    def fresh(self, account: AccountId) -> bool:
        """Whether our lease certainly still holds."""
        held = self._held.get(account)
        return held is not None and self._clock.monotonic() - held[1] < self._seconds * _SAFE_SHARE

    async def confirm(self, account: AccountId) -> None:
        """Ask the store now whether the account is still ours; raises LeaseLost when it is not."""
        held = self._held.get(account)
        if held is None:
            raise LeaseLost
        await self._journal.renew_lease(held[0])

    def drop(self, account: AccountId) -> None:
        """Forget a lease that is no longer ours."""
        held = self._held.pop(account, None)
        if held:
            self._observer.observe(LeaseChanged(account=account, held=False, token=held[0].token))

    def lost(self, account: AccountId) -> None:
        """The store says that it is ours no longer. If it should still have been, another processor took it: then
        leave the account alone for a while."""
        if self.fresh(account):
            self._lost_at[account] = self._clock.monotonic()
        self.drop(account)
        self._bell.ring()

    async def give_back(self, account: AccountId) -> None:
        """Let another processor have the account: we could not work on it now anyway."""
        held = self._held.get(account)
        if held:
            await self._journal.release(held[0])
            self.drop(account)

    def accounts(self) -> tuple[AccountId, ...]:
        return tuple(self._held)

    async def run(self) -> None:
        """Renew until cancelled. A lease that cannot be renewed in time simply stops being fresh."""
        while True:
            await asyncio.sleep(self._seconds / 4)
            for account, (lease, _) in tuple(self._held.items()):
                await self._renew(account, lease)

    async def _renew(self, account: AccountId, lease: Lease) -> None:
        asked = self._clock.monotonic()
        try:
            await self._journal.renew_lease(lease)
        except LeaseLost:
            if self.holds(lease):
                self.lost(account)
        except StoreUnavailable:
            return  # the lease ages by itself; the executor sees it through `fresh`
        else:
            if self.holds(lease):
                self._held[account] = (lease, asked)

    def holds(self, lease: Lease) -> bool:
        """Whether it is this very lease that we hold, and not one acquired anew since."""
        return self._held.get(lease.account, (None, 0.0))[0] == lease

    async def release_all(self) -> None:
        """Give everything back on a tidy stop, so that another processor need not wait."""
        for account, (lease, _) in tuple(self._held.items()):
            await self._journal.release(lease)
            self.drop(account)
