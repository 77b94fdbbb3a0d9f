"""The record of an order for a regulator: its whole life as one document, and as lines of CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.compliance.domain.record_actors import ACTOR_COLUMNS, actor_document, actors_in
from app.core.line_files import guarded
from app.core.money import plain
from app.identity.domain.actors import ActorKind, NamedActor

RECORD_VERSION: Final = 2
CSV_COLUMNS: Final = (
    "orderId",
    "clientOrderId",
    "account",
    "broker",
    "symbol",
    "exchange",
    "currency",
    "side",
    "orderType",
    "line",
    "sequence",
    "type",
    "fromState",
    "toState",
    "actor",
    "reason",
    "quantity",
    "price",
    "occurredAt",
    "recordedAt",
    "details",
    *ACTOR_COLUMNS,
)
_ORDER: Final = {
    "id": "id",
    "client_order_id": "clientOrderId",
    "account_id": "accountId",
    "account_number": "accountNumber",
    "broker": "broker",
    "instrument_id": "instrumentId",
    "symbol": "symbol",
    "exchange": "exchange",
    "currency": "currency",
    "instrument_type": "instrumentType",
    "multiplier": "multiplier",
    "broker_contract_id": "brokerContractId",
    "side": "side",
    "order_type": "orderType",
    "time_in_force": "timeInForce",
    "expires_at": "expiresAt",
    "quantity": "quantity",
    "limit_price": "limitPrice",
    "stop_price": "stopPrice",
    "trailing_amount": "trailingAmount",
    "post_only": "postOnly",
    "outside_regular_hours": "outsideRegularHours",
    "origin": "origin",
    "order_metadata": "metadata",
    "placed_by": "placedBy",
    "parent_id": "parentId",
    "link_role": "linkRole",
    "oca_group": "ocaGroup",
    "allocation": "allocation",
    "block_id": "blockId",
    "broker_client_id": "brokerClientId",
    "broker_order_id": "brokerOrderId",
    "permanent_id": "permanentId",
    "state": "state",
    "filled_quantity": "filledQuantity",
    "average_fill_price": "averageFillPrice",
    "commission": "commission",
    "overfilled_quantity": "overfilledQuantity",
    "reject_origin": "rejectOrigin",
    "reject_code": "rejectCode",
    "reject_reason": "rejectReason",
    "in_doubt": "inDoubt",
    "version": "version",
    "created_at": "decidedAt",
    "updated_at": "updatedAt",
}
_EVENT: Final = {
    "sequence": "sequence",
    "type": "type",
    "from_state": "fromState",
    "to_state": "toState",
    "actor": "actor",
    "reason": "reason",
    "details": "details",
    "occurred_at": "occurredAt",
    "recorded_at": "recordedAt",
}
_EXECUTION: Final = {
    "id": "id",
    "execution_id": "executionId",
    "execution_root": "root",
    "revision": "revision",
    "is_superseded": "isSuperseded",
    "side": "side",
    "quantity": "quantity",
    "price": "price",
    "liquidity": "liquidity",
    "commission": "commission",
    "commission_currency": "commissionCurrency",
    "executed_at": "occurredAt",
    "recorded_at": "recordedAt",
}
_REQUEST: Final = {
    "id": "id",
    "kind": "kind",
    "outcome": "outcome",
    "terms": "terms",
    "reason": "reason",
    "requested_by": "requestedBy",
    "requested_at": "requestedAt",
    "sent_at": "sentAt",
    "resolved_at": "resolvedAt",
    "is_house_refusal": "isHouseRefusal",
    "risk_checks": "riskChecks",
}


class RecordFormat(StrEnum):
    """JSONL has a document a line, CSV a line for each event, execution and risk check."""

    JSONL = "jsonl"
    CSV = "csv"


def record_document(
    order: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    executions: Iterable[Mapping[str, Any]],
    requests: Sequence[Mapping[str, Any]],
    named: Mapping[str, NamedActor],
) -> dict[str, Any]:
    """The whole life of an order. occurredAt is theirs who tell it, recordedAt ours; numbers are exact, as text.

    named has each actor that actors_in() finds in the rows.
    """
    arrival = None
    if order["arrival"] is not None:
        quoted_at = datetime.fromisoformat(order["arrival"]["quotedAt"])
        age_ms = round((order["created_at"] - quoted_at).total_seconds() * 1000)
        arrival = {**order["arrival"], "ageMilliseconds": age_ms}
    return {
        "recordVersion": RECORD_VERSION,
        "order": _named(order, _ORDER),
        "arrival": arrival,
        "riskChecks": order["risk_checks"],
        "events": [_named(one, _EVENT) for one in events],
        "executions": [_named(one, _EXECUTION) for one in executions],
        "requests": [_named(one, _REQUEST) for one in requests],
        "actors": [actor_document(named[one]) for one in actors_in(order, events, requests)],
    }


def json_line(document: Mapping[str, Any]) -> str:
    """A document on one line; some readers take other characters than a line feed for its end too."""
    return json.dumps(document) + "\n"


def csv_header() -> str:
    """The first line of a CSV."""
    return _line(CSV_COLUMNS)


def csv_lines(record: Mapping[str, Any]) -> str:
    """The record as CSV (RFC 4180): events, executions, risk checks; no cell is what a spreadsheet could run."""
    order = record["order"]
    head = [
        order[name] or ""
        for name in (
            "id",
            "clientOrderId",
            "accountNumber",
            "broker",
            "symbol",
            "exchange",
            "currency",
            "side",
            "orderType",
        )
    ]
    lines = [
        [
            *head,
            "EVENT",
            str(one["sequence"]),
            one["type"],
            one["fromState"] or "",
            one["toState"],
            one["actor"],
            one["reason"] or "",
            one["details"].get("quantity") or "",
            one["details"].get("price") or one["details"].get("limitPrice") or "",
            one["occurredAt"],
            one["recordedAt"],
            json.dumps(one["details"]),
        ]
        for one in record["events"]
    ]
    lines += [
        [
            *head,
            "EXECUTION",
            "",
            "SUPERSEDED" if one["isSuperseded"] else "EXECUTION",
            "",
            "",
            order["broker"],
            "",
            one["quantity"],
            one["price"],
            one["occurredAt"],
            one["recordedAt"],
            json.dumps(one),
        ]
        for one in record["executions"]
    ]
    lines += [[*head, *_check_cells(check, asked_by, at)] for check, asked_by, at in _checks(record)]
    who = {one["actor"]: [one[name] or "" for name in ACTOR_COLUMNS] for one in record["actors"]}
    # What a record has no actor for is the broker, of executions.
    nobody = [ActorKind.SYSTEM.value, *[""] * (len(ACTOR_COLUMNS) - 1)]
    actor = CSV_COLUMNS.index("actor")
    return "".join(_line([guarded(cell) for cell in (*line, *who.get(line[actor], nobody))]) for line in lines)


def _checks(record: Mapping[str, Any]) -> Iterable[tuple[Mapping[str, Any], str, str]]:
    order = record["order"]
    for check in record["riskChecks"]:
        look = check.get("look")
        at = order["decidedAt"] if look is None else _plain(datetime.fromisoformat(look["at"]))
        yield check, order["placedBy"] if look is None else look["by"], at
    for request in record["requests"]:
        for check in request["riskChecks"]:
            yield {**check, "requestId": request["id"]}, request["requestedBy"], request["requestedAt"]


def _check_cells(check: Mapping[str, Any], asked_by: str, at: str) -> list[str]:
    blank = ""
    return [
        "RISK_CHECK",
        blank,
        check["check"],
        blank,
        check["outcome"],
        asked_by,
        check["message"],
        blank,
        blank,
        at,
        at,
        json.dumps(check),
    ]


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _named(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: _plain(row[column]) for column, name in names.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case UUID():
            return str(value)
        case _:
            return value
