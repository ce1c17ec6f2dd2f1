from __future__ import annotations

import pytest

from event_processor.adapters.notifiers.masking import mask_for, shown


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("json://bob:secret@127.0.0.1:80/path", "json://127.0.0.1"),
        ("mailtos://anna:secret@smtp.example.org?to=x", "mailtos://smtp.example.org"),
        ("tgram://123:secret/chat", "tgram://***"),
        ("ntfy://secret", "ntfy://***"),
        ("slack://A/B/C", "slack://***"),
        ("https://hooks.slack.com/services/A/B/C", "https://***"),
        ("json://[bad/secret", "json://***"),
    ],
)
def test_only_kind_and_honest_hosts_are_shown(url: str, name: str) -> None:
    """Where a token may stand in the host's place the host is not shown."""
    assert shown(url) == name


def test_every_part_of_the_url_is_masked_in_what_libraries_say() -> None:
    """User, password, path and query, as written and decoded; the host stays, it says what failed."""
    mask = mask_for("json://anna:p%40ssword@host.example.org/hook/TOKEN?x=query1")
    said = "POST http://host.example.org/hook/token for anna with p@ssword and query1 failed: 500"
    assert mask(said) == "POST http://host.example.org/***/*** for *** with *** and *** failed: 500"
