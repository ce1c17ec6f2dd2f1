"""The event stream, as its producers see it."""

from __future__ import annotations

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.domain.event import RebalanceEvent, event_json
from event_processor.domain.ids import EntryId


class RedisEvents:
    """Every event is one entry with one field, `event`."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def publish(self, event: RebalanceEvent) -> EntryId:
        """See `ports.Events.publish`; not repeated by itself."""
        return EntryId(await self._link.command("add the event", "XADD", keys.EVENTS, "*", "event", event_json(event)))
