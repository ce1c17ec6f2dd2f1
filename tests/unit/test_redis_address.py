"""The forms of REDIS_URL: what the settings accept the link can use, and the other way round."""

from __future__ import annotations

import pytest

from event_processor.adapters.redis.connection import RedisLink, Timing
from event_processor.errors import ConfigurationError, StoreUnavailable
from event_processor.settings import Settings

QUICK = Timing(connect=0.2, answer=0.2, total=1.0, tries=1)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "redis+cluster://127.0.0.1:1",
        "redis+cluster://user:word@127.0.0.1:1,127.0.0.1:2/0",
        "rediss+cluster://127.0.0.1:1,[::1]:2",
        "redis+sentinel://127.0.0.1:1/main",
        "redis+sentinel://:word@127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/main",
        "rediss+sentinel://127.0.0.1:1/main",
    ],
)
async def test_every_form_is_accepted_and_usable(url: str) -> None:
    """Nobody answering there is StoreUnavailable in words, for reading and for the check at the start."""
    settings = Settings.load({"REDIS_URL": url})
    async with RedisLink(settings.redis_url.get_secret_value(), timing=QUICK) as link:
        with pytest.raises(StoreUnavailable, match="Redis could not read: "):
            await link.command("read", "GET", "x")
        with pytest.raises(StoreUnavailable, match="Redis could not answer: "):
            await link.everywhere("answer", "PING")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://a:1,b:2/0", "must look like"),
        ("redis+ring://a:1", "must look like"),
        ("redis+cluster://a:1,:2", "must look like"),
        ("redis+cluster://a:x", "a port from 1 to 65535"),
        ("redis+cluster://a:1/3", "a cluster has no databases"),
        ("redis+sentinel://a:1", "must end with the name"),
        ("redis://a/b", "must end with the number"),
        ("redis://a/0?password=", "must not end with password"),
        ("redis://a/0?ssl_cert_reqs=none&username=me&password=hunter2", "must not end with password and username"),
    ],
)
def test_a_form_that_cannot_be_used_is_told(url: str, words: str) -> None:
    """The settings name the rule, and the link refuses what it cannot read."""
    with pytest.raises(ConfigurationError, match=words):
        Settings.load({"REDIS_URL": url})


@pytest.mark.parametrize("url", ["redis+cluster://", "redis+cluster://a:x", "redis+sentinel://a:1", "http://a"])
def test_the_link_refuses_what_it_cannot_read(url: str) -> None:
    """A configuration error that names the setting."""
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        RedisLink(url)


def test_a_password_before_several_hosts_is_never_shown() -> None:
    """It is a secret like the one of a single server."""
    settings = Settings.load({"REDIS_URL": "redis+sentinel://me:hunter2@a:1,b:2/main"})
    assert settings.redis_shown == "redis+sentinel://a:1,b:2/main"
    assert settings.secrets() == ("hunter2",)
    assert "hunter2" not in repr(settings)


def test_nothing_after_a_question_mark_is_shown() -> None:
    """The password of a key file may stand there."""
    settings = Settings.load({"REDIS_URL": "rediss://a:1/0?ssl_password=hunter2"})
    assert settings.redis_shown == "rediss://a:1/0"


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    """A letter that falls apart into others makes Python quote the whole address."""
    with pytest.raises(ConfigurationError, match="is not a URL") as caught:
        Settings.load({"REDIS_URL": "redis://:hunter2\u2100@a:1/0"})
    assert "hunter2" not in str(caught.value)
