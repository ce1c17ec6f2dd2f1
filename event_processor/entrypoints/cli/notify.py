"""`rebalancer notify`: does a message reach everybody who should get one?"""

from __future__ import annotations

import asyncio

from event_processor.adapters.notifiers.courier import DeliveryFailed, Receiver
from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.receivers import open_receivers
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.running import carry_out
from event_processor.entrypoints.cli.screen import say
from event_processor.errors import ConfigurationError
from event_processor.settings import Settings


def notify() -> None:
    """Send a test message to each receiver of NOTIFY_URLS and say which of them took it."""

    async def work() -> Exit:
        settings = Settings.load()
        if not settings.notify_targets:
            raise ConfigurationError(
                "NOTIFY_URLS is not set: nobody is told anything. Set it to the URLs of receivers."
            )
        receivers = open_receivers(settings.notify_targets, f"rebalancer {settings.trading_mode}")
        problems = await asyncio.gather(*(_try(receiver) for receiver in receivers))
        for receiver, problem in zip(receivers, problems, strict=True):
            say(f"{receiver.name}  {problem or 'took the message'}")
        return Exit.FAILED if any(problems) else Exit.OK

    carry_out(work)


async def _try(receiver: Receiver) -> str:
    """What went wrong, or nothing."""
    message = Message(
        topic=None,
        urgency=Urgency.NEWS,
        title="Test",
        text="This is a test by a person. Messages of the event processor arrive here.",
    )
    try:
        await receiver.send(message)
    except DeliveryFailed as error:
        return f"failed: {error}"
    return ""
