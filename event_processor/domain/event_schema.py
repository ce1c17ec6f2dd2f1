"""The published contract as documents: JSON Schema of the events, AsyncAPI of the streams."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from event_processor.domain.event import RebalanceEvent
from event_processor.domain.event_outcomes import OutcomeEvent

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_RULES = (
    "Beyond what a schema can say: symbols and con_ids are unique; weights and cash.reserve together never exceed 1,"
    " and sum to 1 within 0.0001 when completeness is full and all targets are weights; a partial event cannot"
    " liquidate; expires_at is after not_before; no key stands twice; at most 256 KiB."
)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a rebalance event, version 1."""
    schema = _schema(RebalanceEvent)
    return {
        "$schema": _DIALECT,
        "$id": "rebalance.requested.v1",
        **schema,
        "description": f"{schema['description']}\n\n{_RULES}",
    }


def outcome_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of an outcome."""
    return {"$schema": _DIALECT, "$id": "rebalance.outcome.v1", **_schema(OutcomeEvent)}


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 document of the three streams, seen from the processor."""
    event, outcome = json_schema(), outcome_json_schema()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "rebalancer",
            "version": "1.0.0",
            "description": "Redis streams. Each entry of the first two has one field `event` that holds the JSON.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": _channel("rebalancer:events", "Rebalance events from any producer.", "rebalanceRequested"),
            "outcomes": _channel("rebalancer:outcomes", "What became of each event.", "rebalanceOutcome"),
            "dead": _channel("rebalancer:dead", "Entries that are no rebalance event, whole.", "deadLetter"),
        },
        "operations": {
            "consumeEvents": _operation("receive", "events"),
            "publishOutcomes": _operation("send", "outcomes"),
            "publishDeadLetters": _operation("send", "dead"),
        },
        "components": {
            "messages": {
                "rebalanceRequested": {"name": "rebalance.requested.v1", "payload": _payload(event)},
                "rebalanceOutcome": {"name": "rebalance.<kind>.v1", "payload": _payload(outcome)},
                "deadLetter": {"name": "dead letter", "payload": _payload(_DEAD_LETTER)},
            }
        },
    }


_DEAD_LETTER = {
    "type": "object",
    "description": "The fields of the stream entry itself.",
    "required": ["event", "reason", "entry_id", "at"],
    "properties": {
        "event": {"type": "string", "description": "As received, whatever it is."},
        "reason": {"type": "string", "description": "Each field, its value and the rule it breaks."},
        "entry_id": {"type": "string", "description": "Id of the entry in rebalancer:events."},
        "at": {"type": "string", "format": "date-time"},
    },
}


def _channel(address: str, description: str, message: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/messages/{message}"}
    return {"address": address, "description": description, "messages": {message: reference}}


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _payload(schema: dict[str, Any]) -> dict[str, Any]:
    return {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = _without_null(model.model_json_schema(mode="validation"))
    if not isinstance(schema, dict):
        raise TypeError(f"the schema of {model.__name__} is no object")
    return schema


def _without_null(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """The schema as it is meant: a field without a value is left out, never null. Titles and defaults
    of whole objects say nothing new."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {k: _without_null(v) for k, v in node.items() if not (k == "title" and isinstance(v, str))}
    if kept.get("default") is None or isinstance(kept["default"], dict):
        kept.pop("default", None)
    options = [option for option in kept.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1 and len(kept["anyOf"]) > 1:
        del kept["anyOf"]
        return {**options[0], **kept}
    return kept
