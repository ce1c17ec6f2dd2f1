"""`rebalancer schema`: the published contract, for programs that write or read it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from event_processor.domain.event_schema import asyncapi, json_schema, outcome_json_schema
from event_processor.entrypoints.cli.screen import print_json


class Document(StrEnum):
    """The documents of the contract."""

    EVENT = "event"
    OUTCOME = "outcome"
    ASYNCAPI = "asyncapi"


DOCUMENTS = {Document.EVENT: json_schema, Document.OUTCOME: outcome_json_schema, Document.ASYNCAPI: asyncapi}


def schema(
    document: Annotated[Document, typer.Argument(help="event, outcome or asyncapi")] = Document.EVENT,
) -> None:
    """Print the JSON Schema of events or of outcomes, or the AsyncAPI description of all streams."""
    print_json(DOCUMENTS[document]())
