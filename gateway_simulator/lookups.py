"""The names fault rules use for requests: `ReqContractDetails` is `contract_details`."""

from __future__ import annotations

import re
from typing import get_args

from .codec import requests


def lookup_name(kind: type[object]) -> str:
    """The name of one kind of request."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__.removeprefix("Req")).lower()


LOOKUPS = {kind: lookup_name(kind) for kind in get_args(requests.Request) if kind.__name__.startswith("Req")}
"""Request class -> name, for every request that can be answered late, wrongly or not at all."""
