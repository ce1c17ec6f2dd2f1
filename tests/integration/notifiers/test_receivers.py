"""Real deliveries by apprise to real servers on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from event_processor.adapters.notifiers.courier import DeliveryFailed, Receiver
from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.receivers import THREADS_MAX, open_receivers
from event_processor.domain.topics import Topic
from event_processor.errors import ConfigurationError
from tests.support.receiving import mail_receiver, refusing_port, silent_port, web_receiver

MESSAGE = Message(
    topic=Topic.REVIEW, urgency=Urgency.NOW, title="Event e1: needs review", text="50 % < 60 % & more", advice="Look."
)
SPEAKER = "rebalancer paper"
LIMIT_SECONDS = 1.0


def receiver(url: str, seconds: float = 10.0) -> Receiver:
    (one,) = open_receivers([url], SPEAKER, seconds=seconds)
    return one


async def failure(one: Receiver) -> str:
    with pytest.raises(DeliveryFailed) as caught:
        await one.send(MESSAGE)
    return str(caught.value)


async def test_a_web_hook_gets_title_text_and_urgency() -> None:
    """What is sent is what is read: the speaker before the title, the advice after the text."""
    async with web_receiver() as there:
        await receiver(there.url).send(MESSAGE)
        (body,) = there.posted
    assert body["title"] == f"{SPEAKER}: Event e1: needs review"
    assert body["message"] == "50 % < 60 % & more\n\nWhat to do: Look."
    assert body["type"] == "failure"


async def test_what_is_too_long_for_a_service_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text is split, not refused: nothing of it is lost."""
    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.body_maxlen", 400)
    words = [f"word{number}" for number in range(200)]
    async with web_receiver() as there:
        await receiver(there.url).send(replace(MESSAGE, text=" ".join(words), advice=""))
        told = " ".join(body["message"] for body in there.posted).split()
    assert len(there.posted) > 2
    assert [word for word in words if word not in told] == []


async def test_a_mail_arrives_readable() -> None:
    """Through a real SMTP dialogue, line for line as it was written."""
    async with mail_receiver() as there:
        await receiver(there.url).send(MESSAGE)
        (mail,) = there.mails
    assert mail["Subject"] == f"{SPEAKER}: Event e1: needs review"
    assert (mail["To"], "rebalancer@example.org" in mail["From"]) == ("anna@example.org", True)
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_content().splitlines() == ["50 % < 60 % & more", "", "What to do: Look."]


async def test_a_web_hook_that_fails_says_why_without_its_secrets() -> None:
    """Status 500 is a failed delivery, and neither password nor path of the URL is told."""
    async with web_receiver() as there:
        there.status = 500
        reason = await failure(receiver(there.url))
    assert "500" in reason
    assert not [secret for secret in ("bob", "opensesame", "hook-a1b2c3d4") if secret in reason]


async def test_a_mail_server_that_refuses_is_a_failure() -> None:
    """So is a mail that is not accepted."""
    async with mail_receiver() as there:
        there.reply = "554 no"
        assert await failure(receiver(there.url))
        assert there.mails == []


@pytest.mark.parametrize("scheme", ["json", "mailto"])
async def test_a_port_nobody_listens_at_is_a_failure(scheme: str) -> None:
    """Refused connections are told as that, and at once."""
    url = f"{scheme}://127.0.0.1:{refusing_port()}?from=a@example.org&to=b@example.org"
    assert await failure(receiver(url))


@pytest.mark.parametrize("scheme", ["json", "mailto"])
async def test_a_receiver_that_never_answers_costs_its_limit_and_no_more(scheme: str) -> None:
    """The wait ends in time, and while deliveries hang no further threads are spent on it."""
    async with silent_port() as port:
        one = receiver(f"{scheme}://127.0.0.1:{port}?rto=30&cto=30&from=a@example.org&to=b@example.org", LIMIT_SECONDS)
        before = time.monotonic()
        reasons = [await failure(one) for _ in range(THREADS_MAX + 1)]
        took = time.monotonic() - before
    assert reasons == ["no answer within 1 s"] * THREADS_MAX + ["earlier deliveries still hang"]
    assert took < (THREADS_MAX + 0.5) * LIMIT_SECONDS


async def test_the_loop_turns_while_a_receiver_hangs() -> None:
    """Deliveries are in threads: a timer of the loop is never late by much."""
    async with silent_port() as port:
        sending = asyncio.create_task(failure(receiver(f"json://127.0.0.1:{port}", LIMIT_SECONDS)))
        worst, loop = 0.0, asyncio.get_running_loop()
        while not sending.done():
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            worst = max(worst, loop.time() - due)
    assert await sending == "no answer within 1 s"
    assert worst < 0.5


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("nosuch://opensesame@x", "number 2 (nosuch://***)"),
        ("tgram://opensesame", "number 2 (tgram://***)"),
        ("mailto://", "number 2 (mailto://***)"),
    ],
)
def test_a_url_that_apprise_cannot_use_is_a_configuration_error(
    url: str, named: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is named by its place and kind; its secrets appear neither there nor on the screen."""
    with pytest.raises(ConfigurationError) as caught:
        open_receivers(["json://127.0.0.1", url], SPEAKER)
    assert named in str(caught.value)
    assert "opensesame" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_no_url_means_no_receiver() -> None:
    """Nothing is opened, and apprise need not even be there."""
    assert open_receivers([], SPEAKER) == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (lambda port: f"json://127.0.0.1:{port}/secret", "1: json://127.0.0.1"),
        (lambda _: "ntfys://secret", "1: ntfys://***"),
        (lambda _: "mailtos://anna:secret@example.org", "1: mailtos://example.org"),
    ],
)
def test_a_receiver_can_be_named_in_public(url: Callable[[int], str], name: str) -> None:
    """Place, kind, and the host where it is no secret."""
    assert receiver(url(1)).name == name
