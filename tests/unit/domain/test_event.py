from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.event import (
    RebalanceEvent,
    body_digest,
    event_json,
    new_event,
    parse_event,
    peek_identity,
)
from event_processor.domain.ids import event_key
from event_processor.domain.strict_json import BODY_BYTES_MAX
from event_processor.domain.targets import Completeness, Measure, Mode, Untargeted
from event_processor.errors import EventMalformed
from tests.support.builders import event_body, event_text

HALVES = [{"symbol": "SPY", "weight": 0.5}, {"symbol": "TLT", "weight": 0.5}]


def refusal(body: str | bytes) -> str:
    with pytest.raises(EventMalformed) as caught:
        parse_event(body)
    return str(caught.value)


def test_a_minimal_event_has_the_documented_defaults() -> None:
    """What a producer leaves out takes the default of the contract."""
    data = parse_event(event_text()).data
    assert (data.completeness, data.untargeted, data.mode) == (Completeness.FULL, Untargeted.KEEP, Mode.FULL)
    assert data.dry_run is False
    assert data.cash.reserve == 0
    assert (data.targets[0].sec_type, data.targets[0].currency, data.targets[0].exchange) == ("STK", "USD", "SMART")


def test_the_key_is_that_of_source_and_id() -> None:
    """An event's idempotency key follows from source and id alone."""
    assert parse_event(event_text()).key == event_key("/strategies/growth", "2026-01-05-growth")


def test_numbers_are_read_exactly() -> None:
    """0.1 is one tenth, not its binary neighbour."""
    text = event_text(completeness="partial", targets=[{"symbol": "SPY", "weight": 0.1}])
    assert parse_event(text).data.targets[0].weight == Decimal("0.1")


def test_targets_carry_their_measure() -> None:
    """weight, quantity and value each become the planner's measure, with the contract's wording."""
    targets = [
        {"symbol": "SPY", "weight": 0.5, "primary_exchange": "ARCA"},
        {"con_id": 15547841, "quantity": 10},
        {"symbol": "SAP", "currency": "EUR", "exchange": "IBIS", "value": 2500.5},
    ]
    portfolio = parse_event(event_text(targets=targets, cash={"reserve": 0.1})).target_portfolio()
    assert [(t.measure, t.amount) for t in portfolio.targets] == [
        (Measure.WEIGHT, Decimal("0.5")),
        (Measure.QUANTITY, Decimal(10)),
        (Measure.VALUE, Decimal("2500.5")),
    ]
    assert portfolio.targets[0].query.primary_exchange == "ARCA"
    assert portfolio.targets[2].query.currency == "EUR"
    assert portfolio.reserve == Decimal("0.1")


def test_a_con_id_is_not_narrowed_by_a_guessed_currency() -> None:
    """The default currency is for symbols; a conId knows its own."""
    targets = [{"con_id": 14204, "quantity": 1}, {"con_id": 14217, "currency": "EUR", "quantity": 1}]
    portfolio = parse_event(event_text(targets=targets, completeness="partial")).target_portfolio()
    assert [t.query.currency for t in portfolio.targets] == ["", "EUR"]


def test_the_events_limits_are_its_own() -> None:
    """A limit that is not given limits nothing."""
    limits = parse_event(event_text(limits={"max_orders": 3, "max_turnover": 0.5})).limits()
    assert (limits.orders_max, limits.turnover_max) == (3, Decimal("0.5"))
    assert limits.order_value_max is limits.position_weight_max is None
    assert limits.quote_age_seconds_max > 10**6


def test_times_become_utc() -> None:
    """Offsets, and fractions finer than a microsecond as Go writes them, are understood."""
    data = parse_event(event_text(not_before="2026-01-05T09:30:00.123456789-05:00")).data
    assert data.not_before == datetime(2026, 1, 5, 14, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"targets": [{"symbol": "SPY", "weight": -0.1}]}, "data.targets[0].weight = -0.1: must be 0 or more"),
        ({"targets": [{"symbol": "SPY", "weight": 1.1}]}, "data.targets[0].weight = 1.1: must be 1 or less"),
        ({"targets": [{"symbol": "SPY", "weight": "1"}]}, 'data.targets[0].weight = "1": must be a number'),
        ({"targets": [{"symbol": "SPY", "weight": True}]}, "data.targets[0].weight = true: must be a number"),
        ({"targets": [{"symbol": "SPY", "weight": float("nan")}]}, "data.targets[0].weight = NaN: must be a finite"),
        (
            {"targets": [{"symbol": "SPY", "weight": float("inf")}]},
            "data.targets[0].weight = Infinity: must be a finite",
        ),
        ({"targets": [{"symbol": "SPY", "quantity": -1}]}, "data.targets[0].quantity = -1: must be 0 or more"),
        ({"targets": [{"symbol": "SPY"}]}, "data.targets[0] must have exactly one of weight, quantity, value"),
        (
            {"targets": [{"symbol": "SPY", "weight": 1, "value": 5}]},
            "data.targets[0] must have exactly one of weight, quantity, value, but has weight and value",
        ),
        ({"targets": [{"weight": 1}]}, "data.targets[0] must have exactly one of symbol, con_id, but has none"),
        ({"targets": [{"con_id": 1.5, "weight": 1}]}, "data.targets[0].con_id = 1.5: must be a whole number"),
        ({"targets": [{"con_id": True, "weight": 1}]}, "data.targets[0].con_id = true: must be a whole number"),
        ({"targets": [{"symbol": "", "weight": 1}]}, 'data.targets[0].symbol = "": must not be empty'),
        ({"targets": [{"symbol": "SPY ", "weight": 1}]}, "data.targets[0].symbol"),
        ({"targets": [{"symbol": "S", "weight": 1, "currency": "usd"}]}, 'data.targets[0].currency = "usd"'),
        ({"targets": [{"symbol": "S", "weight": 1, "sec_type": "OPT"}]}, "must be 'STK' or 'ETF'"),
        (
            {"targets": [{"symbol": "S", "weigth": 1}]},
            "data.targets[0].weigth is not a known field: did you mean weight?",
        ),
        ({"targets": {}}, "data.targets = {}: must be a list"),
        ({"targets": ["SPY"]}, 'data.targets[0] = "SPY": must be an object'),
        ({"targets": []}, "data.targets must not be empty"),
        ({"targets": [*HALVES, HALVES[0]]}, 'data.targets[2].symbol = "SPY": must be unique: data.targets[0]'),
        ({"targets": [{"con_id": 7, "weight": 0.5}] * 2}, "data.targets[1].con_id = 7: must be unique"),
        ({"targets": [{"symbol": "spy", "weight": 0.5}, HALVES[0]]}, "data.targets[1].symbol"),
        ({"cash": {"reserve": 0.1}, "targets": HALVES}, "the weights and cash.reserve sum to 1.1"),
        ({"targets": [{"symbol": "SPY", "weight": 0.9998}]}, "must sum to 1 within 0.0001"),
        ({"completeness": "partial", "cash": {"reserve": 0.2}}, "must not exceed 1 in all"),
        ({"completeness": "most"}, "data.completeness = \"most\": must be 'full' or 'partial'"),
        ({"completeness": "partial", "untargeted": "liquidate"}, "data.untargeted"),
        ({"mode": 1}, "data.mode = 1: must be 'full', 'buy_only' or 'sell_only'"),
        ({"dry_run": "false"}, 'data.dry_run = "false": must be true or false'),
        ({"dry_run": 0}, "data.dry_run = 0: must be true or false"),
        ({"expires_at": "2026-01-05"}, 'data.expires_at = "2026-01-05": must be an RFC 3339 time'),
        ({"expires_at": "2026-01-05T10:00:00"}, "must be an RFC 3339 time with offset"),
        ({"expires_at": 1767600000}, "data.expires_at = 1767600000: must be an RFC 3339 time"),
        ({"expires_at": "2026-02-30T10:00:00Z"}, "must be a time that exists"),
        ({"expires_at": "0001-01-01T00:00:00+23:00"}, "must be a time that exists"),
        (
            {"not_before": "2026-01-06T00:00:00Z", "expires_at": "2026-01-05T00:00:00Z"},
            'data.expires_at = "2026-01-05T00:00:00Z": must be after data.not_before',
        ),
        ({"limits": {"max_orders": 0}}, "data.limits.max_orders = 0: must be more than 0"),
        ({"limits": {"max_notional": 5}}, "data.limits.max_notional is not a known field"),
        ({"account": ""}, 'data.account = "": must not be empty'),
        ({"account": "a\nb"}, 'data.account = "a\\nb": must be printable text'),
        ({"account": None}, "data.account is required"),
        ({"metadata": []}, "data.metadata = []: must be an object"),
        ({"metadata": {"n": float("nan")}}, "data.metadata.n = NaN: must be a finite number"),
        ({"metadata": {"n": "\ud800"}}, 'data.metadata.n = "\\ud800": must be valid Unicode text'),
        ({"reason": "x" * 2001}, "must have at most 2000 characters"),
    ],
)
def test_a_mistake_names_field_value_and_rule(changes: dict[str, Any], told: str) -> None:
    """Each rule of the contract refuses, in words that say where, what and why."""
    assert told in refusal(event_text(**changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"specversion": "0.3"}, "specversion = \"0.3\": must be '1.0'"),
        ({"type": "rebalance.requested.v2"}, "must be 'rebalance.requested.v1'"),
        ({"id": ""}, 'id = "": must not be empty'),
        ({"source": "x" * 257}, "must have at most 256 characters"),
        ({"data": None}, "data = null: must not be null"),
        ({"traceparent": "00"}, "traceparent is not a known field"),
        ({"datacontenttype": "text/plain"}, "datacontenttype"),
    ],
)
def test_the_envelope_is_strict_too(changes: dict[str, Any], told: str) -> None:
    """CloudEvents attributes are checked; further ones are refused."""
    assert told in refusal(json.dumps({**event_body(), **changes}))


def test_all_mistakes_are_told_at_once() -> None:
    """Mistakes in single fields and rules over several are told together."""
    targets = [{"symbol": "SPY", "weight": -1}, {"symbol": "SPY", "quantity": "5"}, {"value": 1}]
    told = refusal(event_text(targets=targets, mode="x", dry_run=1))
    assert told.startswith("6 mistakes: ")
    for part in ("targets[0].weight", "targets[1].quantity", "targets[1].symbol", "targets[2]", "mode", "dry_run"):
        assert f"data.{part}" in told


def test_null_is_not_a_value() -> None:
    """A field without a value is left out; null is refused, except in metadata."""
    body = event_body(metadata={"run": None})
    parse_event(json.dumps(body))
    body["data"]["expires_at"] = None
    assert refusal(json.dumps(body)) == "data.expires_at = null: must not be null: leave the field out instead"


def test_a_key_that_stands_twice_is_refused_wherever_it_stands() -> None:
    """JSON readers disagree on which of two equal keys counts, so neither does."""
    twice = event_text().replace('"weight": 0.6', '"weight": 0.1, "weight": 0.6')
    assert "data.targets[0].weight must be given once" in refusal(twice)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "the body is not JSON"),
        ("{'a': 1}", "the body is not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        ("[]", "the body = []: must be an object"),
        ("null", "the body = null"),
        (b"\xff\xfe", "the body is not UTF-8 text"),
        ("[" * 50_000, "the body is nested deeper"),
        ("\ud800", "the body is not UTF-8 text"),
        ("9" * 10_000, "the body"),
    ],
)
def test_what_is_no_json_object_is_refused(body: str | bytes, told: str) -> None:
    """Whatever stands in the stream, the answer is a refusal in words."""
    assert told in refusal(body)


def test_metadata_is_free_but_not_bottomless() -> None:
    """Nesting has a limit, so that everybody can read what we keep."""
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"a": deep}
    assert "must not be nested deeper" in refusal(event_text(metadata=deep))


@pytest.mark.parametrize("number", ["1e999999", "-1e9999999999999999999999", "1e-999999", "0e99999999999999999999"])
def test_a_number_beyond_reason_is_named_before_anybody_reckons_with_it(number: str) -> None:
    """Exponents that would break arithmetic are refused by field, in targets and in metadata."""
    weight = event_text().replace("0.6", number)
    assert "data.targets[0].weight = " in refusal(weight)
    assert "must be a finite number of at most 40 digits" in refusal(weight)
    assert "data.metadata.a = " in refusal(event_text(metadata={"a": 0.123}).replace("0.123", number))


def test_the_size_of_a_body_is_limited_in_bytes() -> None:
    """256 KiB pass, one byte more does not."""
    body = event_text(metadata={"pad": ""})
    fits = event_text(metadata={"pad": "x" * (BODY_BYTES_MAX - len(body))})
    assert len(fits) == BODY_BYTES_MAX
    parse_event(fits)
    assert refusal(fits + " ") == "the body has 262,145 bytes: at most 262,144 are allowed"


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": [{"symbol": "SPY", "weight": 0.9999}]},
        {"targets": [{"symbol": "SPY", "weight": 0.95}], "cash": {"reserve": 0.05}},
        {"targets": [{"symbol": "SPY", "weight": 0.3}, {"symbol": "TLT", "quantity": 5}]},
        {"targets": [{"symbol": "SPY", "weight": 0}], "completeness": "partial"},
        {"targets": [], "untargeted": "liquidate", "cash": {"reserve": 1}},
        {"targets": [{"symbol": "A", "weight": 0.333}, {"symbol": "B", "weight": 0.667}], "mode": "sell_only"},
    ],
)
def test_sums_that_are_meant_pass(changes: dict[str, Any]) -> None:
    """The tolerance, a reserve, mixed measures, partial events and selling everything are all allowed."""
    assert len(parse_event(event_text(**changes)).target_portfolio().targets) == len(changes["targets"])


def test_the_digest_ignores_spelling_but_not_content() -> None:
    """Key order, blanks, trailing zeros and time offsets make no difference; a value does."""
    one = event_text(expires_at="2026-01-05T20:00:00Z")
    reordered = dict(reversed(json.loads(one).items()))
    two = json.dumps(reordered, indent=3).replace("0.6", "0.600").replace("20:00:00Z", "21:00:00+01:00")
    other = event_text(expires_at="2026-01-05T20:00:01Z")
    digests = [body_digest(parse_event(text)) for text in (one, two, other)]
    assert digests[0] == digests[1] != digests[2]


def test_an_envelope_written_anew_is_the_same_event() -> None:
    """A producer that tries again with a fresh time repeats itself; with another subject it does not."""
    body = event_body()
    later = json.dumps({**body, "time": "2026-01-05T14:31:00Z"})
    other = json.dumps({**body, "subject": "income"})
    digests = [body_digest(parse_event(text)) for text in (json.dumps(body), later, other)]
    assert digests[0] == digests[1] != digests[2]


def test_canonical_json_reads_back_as_the_same_event() -> None:
    """Writing and reading an event loses nothing, metadata included."""
    event = parse_event(event_text(metadata={"a": [1.50, None, {"b": "é"}]}, not_before="2026-01-05T15:00:00+01:00"))
    assert parse_event(event_json(event)) == event


def test_our_own_events_pass_the_same_door() -> None:
    """new_event takes Decimals and times, and refuses what parse_event refuses."""
    at = datetime(2026, 1, 5, tzinfo=UTC)
    data = {"account": "growth", "targets": [{"symbol": "SPY", "weight": Decimal("0.95")}], "expires_at": at}
    event = new_event(event_id="1", source="cli", time=at, data={**data, "cash": {"reserve": Decimal("0.05")}})
    assert isinstance(event, RebalanceEvent)
    assert (event.subject, event.data.expires_at) == ("growth", at)
    with pytest.raises(EventMalformed, match="must sum to 1"):
        new_event(event_id="1", source="cli", time=at, data=data)


def test_the_identity_of_a_malformed_event_can_be_read() -> None:
    """Source and id are found when they are there, and None is said when not."""
    assert peek_identity(event_text(targets="all")) == ("/strategies/growth", "2026-01-05-growth")
    assert peek_identity(json.dumps({**event_body(), "id": 5})) is None
    assert peek_identity("{") is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["data", "targets", "weight", "symbol", "cash"]), inner)
        ),
    )
)
def test_any_json_is_refused_in_words_and_never_breaks_the_reader(value: object) -> None:
    """No JSON makes the reader fail otherwise than by EventMalformed."""
    assert refusal(json.dumps(value))
