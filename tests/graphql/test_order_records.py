"""Order records over HTTP and as files: whole lives, exact numbers, checksums, and nothing of another firm."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.compliance.domain.order_record import RecordFormat
from app.flows.compliance.order_records import WantedRecords, exported_records, lived_orders
from app.flows.identity.create_api_key import create_api_key
from app.identity.actors_batch import named_actors
from app.identity.domain import Principal, Role, Scope
from app.identity.domain.actors import ActorKind, NamedActor, PersonState
from app.infra.db import BatchSession
from app.infra.uow import begin_batch
from tests import factories
from tests.command_line import Ended, oms
from tests.graphql.conftest import Broker, Firm, token_of

RECORDS = """
query Records($from: DateTime!, $to: DateTime!, $account: ID, $first: Int, $after: String) {
  orderRecords(fromTime: $from, toTime: $to, accountId: $account, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { orderId record } }
  }
}
"""


def span(firm: Firm, **more: Any) -> dict[str, Any]:
    """Two hours about now."""
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    return {"from": (now - hour).isoformat(), "to": (now + hour).isoformat(), **more}


async def lived(firm: Firm, broker: Broker) -> str:
    """An order that was placed, dealt in part and canceled."""
    placed = await firm.api.place(**firm.order(metadata={"desk": "=1+1"}))
    order_id = str(placed["order"]["id"])
    await broker.claim()
    await broker.acknowledge(order_id)
    await broker.fill(order_id, "4", "187.25")
    document = "mutation C($id: ID!) { cancelOrder(input: {orderId: $id}) { errors { code } } }"
    assert (await firm.api.data(document, id=order_id))["cancelOrder"]["errors"] == []
    await broker.claim()
    await broker.end(order_id)
    return order_id


async def test_a_record_tells_the_whole_life_of_an_order(firm: Firm, broker: Broker) -> None:
    order_id = await lived(firm, broker)

    found = (await firm.api.data(RECORDS, **span(firm)))["orderRecords"]

    [edge] = found["edges"]
    record = edge["node"]["record"]
    assert (edge["node"]["orderId"], found["totalCount"], record["recordVersion"]) == (order_id, 1, 2)
    order = record["order"]
    assert (order["state"], order["filledQuantity"], order["limitPrice"]) == ("CANCELED", "4", "187.5")
    assert (order["placedBy"], order["symbol"], order["currency"]) == (firm.principal.actor, "AAPL", "USD")
    types = [one["type"] for one in record["events"]]
    assert types[0] == "OrderPlaced"
    assert types[-1] == "OrderCanceled"
    assert all(one["occurredAt"] <= one["recordedAt"] for one in record["events"])
    assert [(one["quantity"], one["price"]) for one in record["executions"]] == [("4", "187.25")]
    assert [(one["kind"], one["outcome"]) for one in record["requests"]] == [("CANCEL", "ACCEPTED")]


async def test_records_come_in_pages_by_account_and_to_whom_they_may(firm: Firm, stranger: Firm) -> None:
    placed = [(await firm.api.place(**firm.order()))["order"]["id"] for _ in range(3)]
    await stranger.api.place(**stranger.order())

    first = (await firm.api.data(RECORDS, **span(firm, first=2, account=str(firm.account_id))))["orderRecords"]
    rest = (await firm.api.data(RECORDS, **span(firm, after=first["pageInfo"]["endCursor"])))["orderRecords"]
    foreign = await firm.api.refusal(RECORDS, **span(firm, account=str(stranger.account_id)))
    trader = await (await firm.member(Role.TRADER)).refusal(RECORDS, **span(firm))
    backwards = await firm.api.refusal(RECORDS, **{"from": span(firm)["to"], "to": span(firm)["from"]})

    ids = [edge["node"]["orderId"] for edge in first["edges"] + rest["edges"]]
    assert ids == placed
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert (foreign[0], trader[0]) == ("ACCOUNT_NOT_FOUND", "FORBIDDEN")
    assert backwards == ("BAD_USER_INPUT", ["toTime"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who placed which order of the firm: two persons, a program, and one who was erased and lives on elsewhere."""

    ann: Principal
    gone: Principal
    program: str
    orders: dict[str, str]


ERASE = "mutation E($input: ErasePersonInput!) { erasePerson(input: $input) { erasedProfile errors { code } } }"


async def named_person(
    firm: Firm, owner: asyncpg.Connection, first: str, last: str, email: str, role: Role = Role.TRADER
) -> Principal:
    """A member whose name and address are known."""
    found = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=role)
    await owner.execute(
        "UPDATE users SET first_name = $2, last_name = $3, email = $4 WHERE id = $1", found.user_id, first, last, email
    )
    return found


async def traded(firm: Firm, broker: Broker, stranger: Firm, owner: asyncpg.Connection) -> Staff:
    """Orders of all kinds of actors. The administrator's own name is that of tests."""
    unique = uuid4().hex
    ann = await named_person(firm, owner, "=Ann", "Lee", f"ann.{unique}@example.com")
    gone = await named_person(firm, owner, "Gus", "Gone", f"gus.{unique}@example.com")
    await owner.execute(
        "INSERT INTO memberships (tenant_id, id, user_id, role, is_active, is_restricted, created_at) "
        "VALUES ($1, $2, $3, 'VIEWER', true, false, now())",
        stranger.key.tenant_id,
        uuid4(),
        gone.user_id,
    )
    clients = {
        "ann": firm.api.holding(token_of(firm.desk, ann)),
        "program": await firm.program(Scope.PLACE_ORDERS, Scope.VIEW_ORDERS),
        "gone": firm.api.holding(token_of(firm.desk, gone)),
    }
    placed = {name: str((await api.place(**firm.order()))["order"]["id"]) for name, api in clients.items()}
    await broker.claim()
    await broker.acknowledge(placed["ann"])
    await broker.fill(placed["ann"], "4", "187.25")
    await stranger.api.place(**stranger.order())
    cancel = "mutation C($id: ID!) { cancelOrder(input: {orderId: $id}) { errors { code } } }"
    assert (await firm.api.data(cancel, id=placed["ann"]))["cancelOrder"]["errors"] == []
    given = {"userId": str(gone.user_id), "reason": "asked for it"}
    done = (await firm.api.data(ERASE, input=given))["erasePerson"]
    assert done == {"erasedProfile": False, "errors": []}
    key = await owner.fetchval("SELECT id FROM api_keys WHERE tenant_id = $1 AND name = 'program'", firm.key.tenant_id)
    return Staff(ann=ann, gone=gone, program=f"key:{key}", orders=placed)


async def file_of(firm: Firm, form: RecordFormat) -> str:
    """The records of the firm as a file."""
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    wanted = WantedRecords(after=now - hour, before=now + hour)
    pieces = exported_records(firm.desk.database, firm.desk.clock, firm.principal, wanted, form)
    return "".join([piece async for piece in pieces])


async def test_a_record_names_the_persons_behind_its_actors(
    firm: Firm, broker: Broker, stranger: Firm, owner: asyncpg.Connection
) -> None:
    staff = await traded(firm, broker, stranger, owner)

    found = (await firm.api.data(RECORDS, **span(firm)))["orderRecords"]
    file = await file_of(firm, RecordFormat.JSONL)

    records = {edge["node"]["orderId"]: edge["node"]["record"] for edge in found["edges"]}
    assert [json.loads(line) for line in file.splitlines()[1:]] == list(records.values())
    assert set(records) == set(staff.orders.values())
    actors = {name: {one["actor"]: one for one in records[order]["actors"]} for name, order in staff.orders.items()}
    email = await owner.fetchval("SELECT email FROM users WHERE id = $1", staff.ann.user_id)
    assert list(actors["ann"]) == [staff.ann.actor, "broker", firm.principal.actor]
    assert actors["ann"][staff.ann.actor] == {
        "actor": staff.ann.actor,
        "actorKind": "PERSON",
        "apiKeyName": None,
        "personId": str(staff.ann.user_id),
        "personState": "MEMBER",
        "personName": "=Ann Lee",
        "personEmail": email,
        "personRole": "TRADER",
    }
    administrator = actors["ann"][firm.principal.actor]
    assert (administrator["personName"], administrator["personRole"]) == ("Test Person", "ADMIN")
    system = {name: value for name, value in actors["ann"]["broker"].items() if value is not None}
    assert system == {"actor": "broker", "actorKind": "SYSTEM"}
    assert actors["program"][staff.program] == {
        **administrator,
        "actor": staff.program,
        "actorKind": "API_KEY",
        "apiKeyName": "program",
    }
    erased = {name: value for name, value in actors["gone"][staff.gone.actor].items() if value is not None}
    assert erased == {
        "actor": staff.gone.actor,
        "actorKind": "PERSON",
        "personId": str(staff.gone.user_id),
        "personState": "ERASED",
    }
    # The profile lives on in the other firm, and no word of it in this one's records.
    assert "gus" not in file.lower()


async def test_each_line_of_a_csv_names_the_person_behind_its_actor(
    firm: Firm, broker: Broker, stranger: Firm, owner: asyncpg.Connection
) -> None:
    staff = await traded(firm, broker, stranger, owner)

    file = await file_of(firm, RecordFormat.CSV)

    lines = list(csv.DictReader(io.StringIO(file)))
    email = await owner.fetchval("SELECT email FROM users WHERE id = $1", staff.ann.user_id)
    told = {
        line["actor"]: tuple(
            line[name] for name in ("actorKind", "apiKeyName", "personState", "personName", "personEmail", "personRole")
        )
        for line in lines
    }
    own = await owner.fetchval("SELECT email FROM users WHERE id = $1", firm.principal.user_id)
    assert told == {
        # What a spreadsheet would run is marked as text.
        staff.ann.actor: ("PERSON", "", "MEMBER", "'=Ann Lee", email, "TRADER"),
        firm.principal.actor: ("PERSON", "", "MEMBER", "Test Person", own, "ADMIN"),
        staff.program: ("API_KEY", "program", "MEMBER", "Test Person", own, "ADMIN"),
        staff.gone.actor: ("PERSON", "", "ERASED", "", "", ""),
        "broker": ("SYSTEM", "", "", "", "", ""),
        next(line["actor"] for line in lines if line["line"] == "EXECUTION"): ("SYSTEM", "", "", "", "", ""),
    }
    assert {line["personId"] for line in lines if line["actor"] == staff.gone.actor} == {str(staff.gone.user_id)}
    assert all(None not in line and None not in line.values() for line in lines)
    assert "gus" not in file.lower()


async def test_no_person_or_key_of_another_firm_is_named(firm: Firm, stranger: Firm, owner: asyncpg.Connection) -> None:
    await stranger.program(Scope.VIEW_ORDERS)
    key = await owner.fetchval("SELECT id FROM api_keys WHERE tenant_id = $1", stranger.key.tenant_id)
    foreign, program = stranger.principal.actor, f"key:{key}"
    odd = ["user:nobody", "key:", "user", "", f"platform:{firm.principal.user_id}", f"user:{uuid4()}", "system:cli"]

    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        found = await named_actors(session, firm.key.tenant_id, [foreign, program, *odd])

    assert {(one.person_state, one.person_name, one.person_email, one.api_key_name) for one in found.values()} == {
        (PersonState.UNKNOWN, None, None, None),
        (None, None, None, None),
    }
    assert found[foreign].person_state is found[program].person_state is PersonState.UNKNOWN
    assert found[program].person_id is None
    kinds = [found[one].kind for one in odd]
    assert kinds == [*[ActorKind.SYSTEM] * 4, ActorKind.PLATFORM, ActorKind.PERSON, ActorKind.SYSTEM]


async def test_the_key_of_an_erased_person_is_not_named(firm: Firm) -> None:
    person = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)
    issued = await create_api_key(firm.desk.door, person, name="gus at night", scopes=[Scope.VIEW_ORDERS])
    actor = f"key:{issued.api_key.id}"
    given = {"userId": str(person.user_id), "reason": "asked for it"}
    assert (await firm.api.data(ERASE, input=given))["erasePerson"]["errors"] == []

    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        found = await named_actors(session, firm.key.tenant_id, [actor])

    assert found == {
        actor: NamedActor(
            actor=actor, kind=ActorKind.API_KEY, person_id=person.user_id, person_state=PersonState.ERASED
        )
    }


async def test_the_actors_of_a_page_are_looked_up_at_once(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    wanted, asked = WantedRecords(after=now - hour, before=now + hour), []
    fetch = BatchSession.fetch

    async def counted(session: BatchSession, query: str, *values: Any) -> Any:
        asked.append(query)
        return await fetch(session, query, *values)

    monkeypatch.setattr(BatchSession, "fetch", counted)
    counts = []
    for role in (Role.TRADER, Role.TRADER, Role.MANAGER):
        await (await firm.member(role)).place(**firm.order())
        async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
            asked.clear()
            found = await lived_orders(session, firm.key.tenant_id, wanted, behind=None, limit=10)
        counts.append((len(found), len(asked)))

    assert counts == [(1, 5), (2, 5), (3, 5)]


async def test_who_left_is_named_without_a_role(firm: Firm, owner: asyncpg.Connection) -> None:
    left = await named_person(firm, owner, "Lou", "Left", f"lou.{uuid4().hex}@example.com")
    held = await named_person(firm, owner, "Hal", "Held", f"hal.{uuid4().hex}@example.com")
    blank = await named_person(firm, owner, "Bea", "Blank", f"bea.{uuid4().hex}@example.com")
    await owner.execute(
        "UPDATE memberships SET is_active = false, removed_at = now(), role = 'VIEWER' WHERE user_id = $1", left.user_id
    )
    await owner.execute("UPDATE memberships SET is_active = false WHERE user_id = $1", held.user_id)
    # Erased by the last firm that had the person, after this one had parted with them.
    await owner.execute(
        "UPDATE users SET email = 'erased-' || replace(id::text, '-', '') || '@erased.invalid' WHERE id = $1",
        blank.user_id,
    )

    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        found = await named_actors(session, firm.key.tenant_id, [left.actor, held.actor, blank.actor])

    told = [(found[one.actor].person_state, found[one.actor].person_name) for one in (left, held, blank)]
    assert told == [(PersonState.FORMER, "Lou Left"), (PersonState.SUSPENDED, "Hal Held"), (PersonState.ERASED, None)]
    assert [found[one.actor].person_role for one in (left, held, blank)] == [None, "TRADER", None]


async def compliance(database_url: str, folder: Path, *arguments: str) -> Ended:
    """Runs `oms compliance` on the database of the tests."""
    return await oms("compliance", *arguments, folder=folder, OMS_DATABASE_URL=database_url, OMS_ENVIRONMENT="test")


async def slug_of(firm: Firm) -> str:
    """The name of the firm on the command line."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        rows = await session.fetch("SELECT slug FROM tenants WHERE id = $1", firm.key.tenant_id)
    return str(rows[0]["slug"])


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_the_command_line_writes_a_file_with_its_checksum_once(
    firm: Firm, broker: Broker, database_url: str, tmp_path: Path, form: str
) -> None:
    order_id = await lived(firm, broker)
    path, times = tmp_path / f"records.{form}", span(firm)
    arguments = ("export", "--tenant", await slug_of(firm), "--since", times["from"], "--until", times["to"])

    done = await compliance(database_url, tmp_path, *arguments, "--format", form, "--output", str(path))
    again = await compliance(database_url, tmp_path, *arguments, "--format", form, "--output", str(path))

    assert done.code == 0, done.error
    content = path.read_bytes()
    assert (tmp_path / f"records.{form}.sha256").read_text() == f"{hashlib.sha256(content).hexdigest()}  {path.name}\n"
    assert again.code != 0
    assert path.read_bytes() == content
    if form == "jsonl":
        head, record = [json.loads(line) for line in content.decode().splitlines()]
        assert set(head["export"]["clock"]) >= {"source", "isSynchronized", "errorMicrosecondsMax"}
        assert record["order"]["id"] == order_id
    else:
        lines = list(csv.DictReader(io.StringIO(content.decode())))
        assert {line["orderId"] for line in lines} == {order_id}
        assert [line["price"] for line in lines if line["line"] == "EXECUTION"] == ["187.25"]
        assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line.values())


async def test_the_command_line_refuses_what_it_does_not_know(firm: Firm, database_url: str, tmp_path: Path) -> None:
    slug, path = await slug_of(firm), tmp_path / "none"
    times = ("--since", "2026-03-02T00:00:00Z", "--until", "2026-03-03T00:00:00Z", "--output", str(path))

    codes = [
        (await compliance(database_url, tmp_path, "export", "--tenant", "no-such-firm", *times)).code,
        (await compliance(database_url, tmp_path, "export", "--tenant", slug, *times, "--format", "xls")).code,
        (await compliance(database_url, tmp_path, "export", "--tenant", slug, *times, "--account", "1")).code,
        (await compliance(database_url, tmp_path, "lists", "--tenant", slug, "--list", "none")).code,
    ]

    assert 0 not in codes
    assert not path.exists()
