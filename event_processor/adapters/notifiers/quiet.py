"""Quiet hours: a stretch of each day in which only what is urgent may make a sound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from event_processor.domain.schedule import in_daily_window


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` on the clocks of `zone`; may run over midnight."""

    start: time
    end: time
    zone: tzinfo

    def until(self, now: datetime) -> datetime | None:
        """The end of the quiet hours that `now` is in, in UTC; None when it is in none."""
        if not in_daily_window(now, self.start, self.end, self.zone):
            return None
        here = now.astimezone(self.zone)
        end = datetime.combine(here.date(), self.end, self.zone)
        if end.replace(tzinfo=None) <= here.replace(tzinfo=None):
            end += timedelta(days=1)
        return end.astimezone(UTC)
