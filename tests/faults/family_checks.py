"""What is promised of orders that hang together, held against the evidence."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tests.faults.evidence import Evidence, Row
from tests.faults.replay import LINKS, Replay, ReplayedFamily
from tests.faults.violation import Violation

_SUFFIXES = {"takeProfit": "/tp", "stopLoss": "/sl", "second": "/oco"}


def linked_keys(key: str, terms: dict[str, Any]) -> list[str]:
    """The client order ids of what comes with an order of this key."""
    return [key + suffix for name, suffix in _SUFFIXES.items() if name in terms]


def half_families(evidence: Evidence) -> Iterator[Violation]:
    """G1: a bracket or a pair is stored whole, unless it was refused whole."""
    stored = {(str(row["account_id"]), row["client_order_id"]): row for row in evidence.orders}
    for asked in evidence.asked:
        if asked.kind != "place" or asked.key is None:
            continue
        row = stored.get((asked.account_id, asked.key))
        is_refused = row is not None and row["reject_origin"] == "OMS"
        for key in linked_keys(asked.key, asked.terms):
            is_there = (asked.account_id, key) in stored
            if is_there is not (row is not None and not is_refused):
                what = f"{asked.key} is {'stored' if row is not None else 'not stored'} and {key} is not as it is"
                yield Violation(promise="G1", kind="half", what=what)


def over_dealt(evidence: Evidence) -> Iterator[Violation]:
    """G8: at no event have exits dealt more than their entry, or the legs of a pair more than was asked of both.

    A family of which the broker told a deal otherwise later, or after an end that it had told, is left out.
    """
    retold = _retold(evidence)
    for account_id, log in _logs(evidence).items():
        replay = Replay()
        told: set[str] = set()
        for event in log:
            replay.apply(event)
            if not event["type"].startswith("Execution"):
                continue
            order = replay.orders.get(str(event["order_id"]))
            name = None if order is None else order.family
            if name is None or name in told:
                continue
            family = replay.families[name]
            if family.dealt > family.whole and not _members(replay, name) & retold:
                told.add(name)
                what = f"{account_id}: of {family.whole} of {name}, {family.dealt} are dealt at {event['sequence']}"
                yield Violation(promise="G8", kind="family", what=what)


def unprotected(evidence: Evidence) -> Iterator[Violation]:
    """G8: at rest the exits of a bracket work for what is left of it, and for no more; so do the legs of a pair."""
    withdrawn = {
        str(row["order_id"])
        for row in evidence.requests
        if row["kind"] == "CANCEL" and row["outcome"] in ("PENDING", "ACCEPTED") and row["requested_by"] != LINKS
    }
    unsettled = {str(row["order_id"]) for row in evidence.requests if row["outcome"] == "PENDING"}
    unsettled |= {str(row["id"]) for row in evidence.orders if row["in_doubt"]}
    unsettled |= _retold(evidence)
    for log in _logs(evidence).values():
        replay = Replay()
        for event in log:
            replay.apply(event)
        names = {id(order): order_id for order_id, order in replay.orders.items()}
        for name, family in replay.families.items():
            members = {names[id(one)]: one for one in family.members}
            if not members.keys() & unsettled and name not in unsettled:
                yield from _at_rest(name, family, members, withdrawn)


def _at_rest(name: str, family: ReplayedFamily, members: dict[str, Any], withdrawn: set[str]) -> Iterator[Violation]:
    open_ones = {order_id: one for order_id, one in members.items() if one.is_open}
    is_over = family.entry is None or not family.entry.is_open
    for order_id, one in open_ones.items():
        if one.may_deal > family.left or (is_over and family.left == 0):
            what = f"{order_id} may deal {one.may_deal}, {family.left} is left of {name}"
            yield Violation(promise="G8", kind="too much", what=what)
    if family.entry is None or family.left == 0:
        return
    latest = {one.role: order_id for order_id, one in members.items()}
    for role, order_id in latest.items():
        one = members[order_id]
        is_excused = order_id in withdrawn or one.state == "REJECTED"
        if not is_excused and one.may_deal < family.left:
            what = f"{role} {order_id} is {one.state} for {one.may_deal}, {family.left} is left of {name}"
            yield Violation(promise="G8", kind="unprotected", what=what)


def _retold(evidence: Evidence) -> set[str]:
    """Orders of which an execution was corrected or busted, or came after their end."""
    over = {"CANCELED", "EXPIRED", "REJECTED"}
    revised = {str(row["order_id"]) for row in evidence.executions if row["is_superseded"]}
    late = {
        str(row["order_id"])
        for row in evidence.events
        if row["type"].startswith("Execution") and row["from_state"] in over
    }
    return revised | late


def _members(replay: Replay, name: str) -> set[str]:
    return {order_id for order_id, order in replay.orders.items() if order.family == name}


def _logs(evidence: Evidence) -> dict[Any, Sequence[Row]]:
    logs: dict[Any, list[Row]] = defaultdict(list)
    for row in evidence.events:
        logs[row["account_id"]].append(row)
    return dict(logs)
