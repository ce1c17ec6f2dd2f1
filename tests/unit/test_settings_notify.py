from __future__ import annotations

from pathlib import Path

import pytest

from event_processor.domain.topics import Topic
from event_processor.errors import ConfigurationError
from event_processor.settings import Settings
from event_processor.settings_notify import URLS_MAX, secrets_in, split_urls

TELEGRAM = "tgram://123456789:AAtoken1/chat"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("ntfy://a", ["ntfy://a"]),
        ("ntfy://a ntfy://b", ["ntfy://a", "ntfy://b"]),
        ("ntfy://a,ntfy://b, ntfy://c", ["ntfy://a", "ntfy://b", "ntfy://c"]),
        ("\nntfy://a\n\n  ntfy://b,\n", ["ntfy://a", "ntfy://b"]),
        ("mailto://u:p@h?to=a@x,b@y,ntfy://a", ["mailto://u:p@h?to=a@x,b@y", "ntfy://a"]),
        ("ntfy://a ntfy://a", ["ntfy://a"]),
    ],
)
def test_urls_are_told_apart(text: str, urls: list[str]) -> None:
    """Spaces, commas and line ends separate; a comma inside a URL does not; a repeat counts once."""
    assert list(split_urls(text)) == urls


def test_a_file_may_hold_one_url_a_line(tmp_path: Path) -> None:
    """As a secret file is usually written."""
    file = tmp_path / "urls"
    file.write_text(f"{TELEGRAM}\nntfy://a\n", encoding="utf-8")
    assert Settings.load({"NOTIFY_URLS_FILE": str(file)}).notify_targets == (TELEGRAM, "ntfy://a")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NOTIFY_URLS", "ntfy://a opensesame", "number 2 is none"),
        ("NOTIFY_URLS", " ".join(f"ntfy://opensesame{n}" for n in range(URLS_MAX + 1)), "at most"),
        ("DEADMAN_URL", "ftp://opensesame", "https://"),
        ("DEADMAN_URL", "https://opensesame:nan/", "https://"),
        ("DEADMAN_URL", "https:///opensesame", "https://"),
    ],
)
def test_wrong_urls_are_told_without_being_shown(name: str, value: str, words: str) -> None:
    """The message says what must be there, and repeats nothing of the secret."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.load({name: value})
    assert name in str(caught.value)
    assert words in str(caught.value)
    assert "opensesame" not in str(caught.value)


def test_topics_are_chosen_by_name() -> None:
    """Several names with commas or spaces; without the setting there is no choice to make."""
    assert Settings.load({"NOTIFY_TOPICS": "Login, review halted"}).notify_topics == frozenset(
        {Topic.LOGIN, Topic.REVIEW, Topic.HALTED}
    )
    assert Settings.load({}).notify_topics is None


def test_a_topic_that_does_not_exist_is_named() -> None:
    """With the names there are."""
    with pytest.raises(ConfigurationError, match=r"must be some of login, review.*no topic logins"):
        Settings.load({"NOTIFY_TOPICS": "logins"})


def test_quiet_hours_are_a_daily_window() -> None:
    """Written like the restart window."""
    assert str(Settings.load({"QUIET_HOURS": "22:00-07:00 Europe/Berlin"}).quiet_hours) == "22:00-07:00 Europe/Berlin"
    with pytest.raises(ConfigurationError, match="QUIET_HOURS"):
        Settings.load({"QUIET_HOURS": "at night"})


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (TELEGRAM, {TELEGRAM, "123456789", "AAtoken1"}),
        ("mailto://anna:p%40ss@smtp1.example.org", {"p%40ss", "p@ss", "mailto://anna:p%40ss@smtp1.example.org"}),
        ("https://hc.example.org/a1b2c3d4-9999", {"a1b2c3d4-9999"}),
    ],
)
def test_tokens_and_passwords_are_secrets_of_their_own(url: str, secrets: set[str]) -> None:
    """So the log masks them wherever they turn up; a host is none."""
    assert secrets <= set(secrets_in(url))
    assert "smtp1.example.org" not in secrets_in(url)


def test_the_settings_hand_all_of_them_to_the_log() -> None:
    """Those of the receivers and that of the dead-man switch."""
    settings = Settings.load({"NOTIFY_URLS": TELEGRAM, "DEADMAN_URL": "https://hc.example.org/a1b2c3d4-9999"})
    assert {"AAtoken1", "a1b2c3d4-9999"} <= set(settings.secrets())
    assert "AAtoken1" not in repr(settings)
