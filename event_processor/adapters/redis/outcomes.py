"""The outcome stream: CloudEvents, one per entry, in one field `event`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.codec import text_of, to_json
from event_processor.adapters.redis.connection import RedisLink


class RedisOutcomes:
    """Nothing is trimmed: what nobody has read yet must not be dropped."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> None:
        """See `ports.Outcomes.publish`. In one round trip, in order; not repeated by itself."""
        await self._link.commands(
            "publish outcomes",
            [("XADD", keys.OUTCOMES, "*", "event", text_of(to_json(envelope))) for envelope in envelopes],
        )
