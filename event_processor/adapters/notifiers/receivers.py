"""Receivers by apprise (github.com/caronc/apprise): one URL each, for ntfy, Telegram, e-mail, Slack and many more.

Apprise blocks, so each delivery has a thread of its own that nobody waits for longer than a limit, not even the
end of the process. It is imported when there is a URL, and only then: it costs some 18 MB.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from event_processor.adapters.notifiers.courier import DeliveryFailed, Receiver
from event_processor.adapters.notifiers.masking import mask_for, shown
from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.errors import ConfigurationError

SEND_SECONDS = 20.0
THREADS_MAX = 2
"""Deliveries of one receiver that may hang at a time; while they do, further ones fail at once."""

GAP_SECONDS = 1.0
"""Between two messages to one receiver, where apprise knows no better and would wait 5.5 s; our own rates are lower."""

REASON_LENGTH_MAX = 300
TALKATIVE = ("apprise", "urllib3", "requests")
"""Loggers that repeat URLs with their secrets. What they say about a failure comes back masked in DeliveryFailed."""

KINDS = {Urgency.NEWS: "info", Urgency.SOON: "warning", Urgency.NOW: "failure"}


def open_receivers(urls: Sequence[str], speaker: str, *, seconds: float = SEND_SECONDS) -> list[Receiver]:
    """A receiver for each URL; nothing is sent yet. `speaker` stands before each title.

    Raises ConfigurationError naming every URL that is wrong.
    """
    if not urls:
        return []
    _silence()
    numbered = list(enumerate(urls, 1))
    made = {number: _open(url, number, speaker, seconds) for number, url in numbered}
    wrong = [f"number {number} ({shown(url)})" for number, url in numbered if not made[number]]
    if wrong:
        raise ConfigurationError(
            f"NOTIFY_URLS: {', '.join(wrong)}: not a URL that apprise can use. Correct it as "
            "docs/how-to/notifications.md shows, or take it out; `rebalancer notify` tries them all."
        )
    return [one for one in made.values() if one]


class AppriseReceiver:
    """Implements `Receiver` over `target`, an apprise object with one URL."""

    def __init__(self, target: Any, url: str, name: str, speaker: str, seconds: float) -> None:  # noqa: ANN401
        self._target, self._mask, self._seconds = target, mask_for(url), seconds
        self._name, self._speaker = name, speaker
        self._threads: list[threading.Thread] = []

    @property
    def name(self) -> str:
        """Its place among the URLs, its kind and its host."""
        return self._name

    async def send(self, message: Message) -> None:
        """Deliver within the limit. Raises DeliveryFailed."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= THREADS_MAX:
            raise DeliveryFailed("earlier deliveries still hang")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=self._deliver, args=(message, loop, answer), name="notify", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
            async with asyncio.timeout(self._seconds):
                problem = await answer
        except TimeoutError:
            raise DeliveryFailed(f"no answer within {self._seconds:g} s") from None
        if problem:
            raise DeliveryFailed(problem)

    def _deliver(self, message: Message, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[str]) -> None:
        try:
            problem = self._notify(message)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the message did not arrive
            problem = self._mask(f"{type(error).__name__}: {error}")[:REASON_LENGTH_MAX]
        try:
            loop.call_soon_threadsafe(_settle, answer, problem)
        except RuntimeError:  # the loop is closed: nobody waits for the answer any more
            return

    def _notify(self, message: Message) -> str:
        """Send; what went wrong, or nothing."""
        result = self._target.notify(
            body=message.body,
            title=f"{self._speaker}: {message.title}",
            notify_type=KINDS[message.urgency],
            body_format="text",
        )
        if result:
            return ""
        said = [self._mask(str(entry.message)) for entry in result.logs()]
        return "; ".join(said)[:REASON_LENGTH_MAX] or "the receiver did not take it"


def _open(url: str, number: int, speaker: str, seconds: float) -> AppriseReceiver | None:
    apprise = _apprise()
    # Without a limit of its own apprise stays in our thread; its pool of threads would hold up the end of the process.
    asset = apprise.AppriseAsset(app_id=speaker, app_desc=speaker, service_timeout=0)
    target = apprise.Apprise(asset=asset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        accepted = target.add(url)
    for service in target:
        if service.request_rate_per_sec == apprise.NotifyBase.request_rate_per_sec:
            service.request_rate_per_sec = GAP_SECONDS
        if service.overflow_mode == apprise.OverflowMode.UPSTREAM:  # the service would refuse what is too long for it
            service.overflow_mode = apprise.OverflowMode.SPLIT
    return AppriseReceiver(target, url, f"{number}: {shown(url)}", speaker, seconds) if accepted else None


def _apprise() -> ModuleType:
    with warnings.catch_warnings():  # apprise uses what newer Pythons deprecate; that is not ours to mend
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise  # noqa: PLC0415 - see above: only when there is a URL
    return apprise


def _silence() -> None:
    """Nothing of these libraries reaches the log, at whatever level."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _settle(answer: asyncio.Future[str], problem: str) -> None:
    if not answer.done():
        answer.set_result(problem)
