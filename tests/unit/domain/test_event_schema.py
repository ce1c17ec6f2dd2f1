from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from event_processor.domain.event import EVENT_TYPE, parse_event
from event_processor.domain.event_outcomes import OutcomeEvent, outcome_envelope
from event_processor.domain.event_schema import asyncapi, json_schema, outcome_json_schema
from event_processor.domain.record import Outcome
from tests.support.builders import event_body

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
CHECK = jsonschema.Draft202012Validator(json_schema())
BLOCK = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> Iterator[Any]:
    """Every event and outcome in a json block of README and docs."""
    for page in [*sorted(ROOT.glob("README.md")), *sorted(ROOT.glob("docs/**/*.md"))]:
        for number, block in enumerate(BLOCK.findall(page.read_text()), start=1):
            if '"specversion"' in block:
                yield pytest.param(block, id=f"{page.relative_to(ROOT)}#{number}")


@pytest.mark.parametrize("text", list(examples()))
def test_every_example_in_the_docs_is_valid(text: str) -> None:
    """What people copy works: events parse and match the schema, outcomes match theirs."""
    body = json.loads(text)
    if body["type"] == EVENT_TYPE:
        assert parse_event(text).id == body["id"]
        CHECK.validate(body)
    else:
        assert OutcomeEvent.model_validate(body).id == body["id"]
        jsonschema.Draft202012Validator(outcome_json_schema()).validate(body)


def test_the_docs_have_examples_of_both() -> None:
    """The reference shows events and outcomes, so the test above tests something."""
    types = {json.loads(str(parameter.values[0]))["type"] for parameter in examples()}
    assert EVENT_TYPE in types
    assert types - {EVENT_TYPE}


@pytest.mark.parametrize(("name", "document"), [("events.schema.json", json_schema()), ("asyncapi.json", asyncapi())])
def test_the_copies_in_the_docs_are_what_the_models_say(name: str, document: dict[str, Any]) -> None:
    """docs/reference is what `rebalancer schema` prints."""
    assert json.loads((REFERENCE / name).read_text()) == document


@pytest.mark.parametrize("schema", [json_schema(), outcome_json_schema()])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    """They are valid under their own dialect, and never offer null."""
    jsonschema.Draft202012Validator.check_schema(schema)
    assert '"null"' not in json.dumps(schema)


@pytest.mark.parametrize(
    "data",
    [
        {"targets": [{"symbol": "SPY"}]},
        {"targets": [{"symbol": "SPY", "weight": 0.5, "value": 3}]},
        {"targets": [{"symbol": "SPY", "con_id": 3, "weight": 1}]},
        {"targets": [{"symbol": "SPY", "weight": -1}]},
        {"targets": [{"symbol": "SPY", "weight": "1"}]},
        {"limits": {"max_orders": 0}},
        {"mode": "sideways"},
        {"unknown": 1},
        {"reason": None},
    ],
)
def test_the_schema_refuses_what_the_models_refuse(data: dict[str, Any]) -> None:
    """A producer that checks against the schema finds these mistakes before publishing."""
    body = event_body()
    CHECK.validate(body)
    body["data"] |= data
    assert not CHECK.is_valid(body)


def test_the_asyncapi_document_describes_the_three_streams() -> None:
    """Every reference in it leads somewhere, and the addresses are the streams'."""
    document = asyncapi()
    assert {channel["address"] for channel in document["channels"].values()} == {
        "rebalancer:events",
        "rebalancer:outcomes",
        "rebalancer:dead",
    }
    for channel in document["channels"].values():
        for name, reference in channel["messages"].items():
            assert reference["$ref"] == f"#/components/messages/{name}"
            assert name in document["components"]["messages"]


@pytest.mark.parametrize("kind", list(Outcome))
def test_an_outcome_is_a_cloudevent_with_a_lasting_id(kind: Outcome) -> None:
    """Every kind makes a valid envelope; key, kind and mark alone make its id."""
    told = [
        outcome_envelope(
            key="0123abcd",
            event_id="1",
            event_source="/s",
            account="DU1234567",
            kind=kind,
            mark="leg-1",
            at=datetime(2026, 1, day, tzinfo=UTC),
            data={"reason": "because"},
        )
        for day in (5, 6)
    ]
    read = OutcomeEvent.model_validate_json(json.dumps(told[0]))
    assert (read.type, read.data.outcome, read.data.event_id) == (f"rebalance.{kind}.v1", kind, "1")
    assert told[0]["id"] == told[1]["id"] == f"0123abcd.{kind}.leg-1"
