from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest

from event_processor.domain import facts
from event_processor.domain.facts import EventFact, Fact, Level, OrderFact, ProcessorStopped

KINDS = (Fact, EventFact, OrderFact)
NAME = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*\Z")


FACTS = sorted(
    (
        found
        for found in vars(facts).values()
        if isinstance(found, type) and issubclass(found, Fact) and found not in KINDS
    ),
    key=lambda fact: fact.name,
)


def test_every_fact_has_a_name_of_its_own() -> None:
    """Two facts under one name could not be told apart in a log."""
    assert len({fact.name for fact in FACTS}) == len(FACTS)
    assert "name" not in {field.name for fact in FACTS for field in fields(fact)}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_fact_is_noun_past_with_a_level(fact: type[Fact]) -> None:
    """Names read noun.past_tense, levels are the four we know, and the name is the fact's own, not inherited."""
    assert NAME.match(fact.name)
    assert "name" in vars(fact)
    assert fact.level in get_args(Level)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_fact_is_a_frozen_value_without_dict(fact: type[Fact]) -> None:
    """A fact is a value: instruments cannot change it for each other."""
    assert is_dataclass(fact)
    assert "__slots__" in vars(fact)


def test_a_fact_cannot_be_changed_after_it_was_told() -> None:
    """An instrument that tries to rewrite what happened fails."""
    told = ProcessorStopped(reason="asked to stop")
    with pytest.raises(FrozenInstanceError):
        told.reason = "something else"  # type: ignore[misc]


def test_order_facts_name_their_order_and_their_event() -> None:
    """Every order fact carries what one needs to find the order at the broker and the event in the stream."""
    wanted = {"key", "event_id", "account", "order_ref", "symbol", "side", "quantity"}
    assert all(wanted <= {field.name for field in fields(fact)} for fact in FACTS if issubclass(fact, OrderFact))
