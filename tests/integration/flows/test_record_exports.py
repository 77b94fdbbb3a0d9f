"""Exports of order records: whole files from workers that die, one at a time, bounded, and gone when they expire."""

import asyncio
import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from app.compliance import exports_batch
from app.compliance.domain.order_record import RecordFormat
from app.compliance.domain.record_exports import (
    KEPT_MAX,
    LEASE,
    STALLED_MAX,
    UNFINISHED_MAX,
    ExportFailure,
    ExportState,
    RecordExport,
)
from app.compliance.errors import RecordExportsFullError, RecordExportUnfinishedError, RecordExportUnknownError
from app.core.clock import Clock
from app.core.errors import InputError
from app.core.ids import AccountId, OrderId, uuid7
from app.core.paging import Window
from app.flows.compliance.order_records import PAGE, WantedRecords, exported_records
from app.flows.compliance.record_exports import (
    count_exports,
    file_of,
    find_export,
    list_exports,
    open_file,
    request_export,
)
from app.flows.compliance.run_record_exports import TURN_PAGES, RecordExportRunner, prune_record_exports
from app.flows.desk import Desk, open_desk
from app.flows.tenants.erase_person import erase_person
from app.identity.domain import Role
from app.identity.domain.access import AccountGrants
from app.identity.errors import WholeTenantError
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests import factories
from tests.integration.flows.conftest import Trader

KEEP = timedelta(days=7)
MIB = 1024 * 1024


class Ahead(Clock):
    """A clock that runs ahead, and may do something each time that it is asked."""

    def __init__(self, ahead: timedelta = timedelta(0), asked: Callable[[int], None] | None = None) -> None:
        self._ahead = ahead
        self._asked = asked
        self._times = 0

    def now(self) -> datetime:
        self._times += 1
        if self._asked is not None:
            self._asked(self._times)
        return datetime.now(UTC) + self._ahead


LATER = Ahead(LEASE + timedelta(seconds=1))


def runner(trader: Trader, system: Database, clock: Clock | None = None, **more: Any) -> RecordExportRunner:
    return RecordExportRunner(
        **{
            "database": trader.desk.database,
            "system_database": system,
            "clock": clock or trader.desk.clock,
            "ids": trader.desk.ids,
            "keep": KEEP,
            "bytes_max": 64 * MIB,
            **more,
        }
    )


def today(**more: Any) -> WantedRecords:
    now = datetime.now(UTC)
    return WantedRecords(after=now - timedelta(hours=1), before=now + timedelta(hours=1), **more)


async def asked(trader: Trader, form: RecordFormat = RecordFormat.JSONL, **more: Any) -> RecordExport:
    return await request_export(trader.desk, trader.principal, today(**more), form)


async def stored(trader: Trader, export: RecordExport) -> RecordExport:
    return await find_export(trader.desk, trader.principal, export.id)


async def content(trader: Trader, export: RecordExport) -> bytes:
    return b"".join([piece async for piece in file_of(trader.desk, export)])


async def written(desk: Desk, trader: Trader, export: RecordExport) -> list[bytes]:
    """The lines of the records as the command line would write them."""
    wanted = WantedRecords(after=export.after, before=export.before, account_id=export.account_id)
    pieces = [one async for one in exported_records(desk.database, desk.clock, trader.principal, wanted, export.form)]
    return "".join(pieces[1:]).encode().splitlines()


async def acts(trader: Trader, export: RecordExport) -> list[str]:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        rows = await session.fetch(
            "SELECT action FROM audit_log WHERE tenant_id = $1 AND resource_id = $2 ORDER BY created_at",
            trader.key.tenant_id,
            str(export.id),
        )
    return [row["action"] for row in rows]


async def many_orders(owner: asyncpg.Connection, trader: Trader, count: int) -> None:
    """Copies of one order, each with an id and a name of its own."""
    order = await trader.placed(limit_price="100")
    columns = [
        row["column_name"]
        for row in await owner.fetch(
            "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'orders'"
        )
    ]
    copied = ", ".join({"id": "n.id", "client_order_id": "n.id::text"}.get(name, f"o.{name}") for name in columns)
    ids = [OrderId(uuid7(order.created_at, place)) for place in range(1, count)]
    await owner.execute(
        f"INSERT INTO orders ({', '.join(columns)}) SELECT {copied} FROM orders AS o, unnest($2::uuid[]) AS n(id) "
        "WHERE o.id = $1",
        order.id,
        ids,
    )


@pytest.mark.parametrize("form", list(RecordFormat))
async def test_a_file_is_what_the_command_line_writes(
    trader: Trader, system_database: Database, form: RecordFormat
) -> None:
    for _ in range(3):
        await trader.placed(limit_price="100")
    export = await asked(trader, form)

    assert await runner(trader, system_database).take_turn(trader.key.tenant_id, export.id)

    done = await stored(trader, export)
    file = await content(trader, done)
    assert (done.state, done.orders_total, done.orders_written, done.failure) == (ExportState.DONE, 3, 3, None)
    assert (len(file), hashlib.sha256(file).hexdigest()) == (done.size_bytes, done.sha256)
    assert file.splitlines()[1:] == await written(trader.desk, trader, done)
    assert done.stored_bytes < done.size_bytes
    assert done.finished_at is not None
    assert done.expires_at == done.finished_at + KEEP
    if form is RecordFormat.JSONL:
        assert orjson.loads(file.splitlines()[0])["export"]["exportedBy"] == trader.principal.actor
    await open_file(trader.desk, trader.principal, done.id)
    assert await acts(trader, done) == [
        "order_records.requested",
        "order_records.written",
        "order_records.downloaded",
    ]


async def test_an_export_without_orders_is_a_file_too(trader: Trader, system_database: Database) -> None:
    export = await asked(trader)

    await runner(trader, system_database).take_turn(trader.key.tenant_id, export.id)

    done = await stored(trader, export)
    assert (done.state, done.orders_total) == (ExportState.DONE, 0)
    assert len((await content(trader, done)).splitlines()) == 1


async def test_two_workers_write_an_export_once(trader: Trader, system_database: Database) -> None:
    await trader.placed(limit_price="100")
    export = await asked(trader)

    taken = await asyncio.gather(
        *(runner(trader, system_database).take_turn(trader.key.tenant_id, export.id) for _ in range(4))
    )

    assert sorted(taken) == [False, False, False, True]
    assert (await stored(trader, export)).state is ExportState.DONE
    assert (await acts(trader, export)).count("order_records.written") == 1


async def test_a_worker_that_lost_its_export_writes_nothing_more(
    trader: Trader, system_database: Database, database_url: str
) -> None:
    await trader.placed(limit_price="100")
    export = await asked(trader)

    async def steal() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("UPDATE order_record_exports SET attempt = attempt + 1 WHERE id = $1", export.id)
        await connection.close()

    def between(times: int) -> None:
        # The second time that the worker asks for the time is between its reading and its writing.
        if times == 2:
            thief = threading.Thread(target=lambda: asyncio.run(steal()))
            thief.start()
            thief.join()

    await runner(trader, system_database, Ahead(asked=between)).take_turn(trader.key.tenant_id, export.id)
    robbed = await stored(trader, export)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        piece = await exports_batch.piece(session, trader.key.tenant_id, export.id, 0)
    early = await runner(trader, system_database).take_turn(trader.key.tenant_id, export.id)
    late = await runner(trader, system_database, LATER).take_turn(trader.key.tenant_id, export.id)

    assert (robbed.state, robbed.pieces, robbed.orders_written, piece) == (ExportState.RUNNING, 0, 0, None)
    assert (early, late) == (False, True)
    done = await stored(trader, export)
    assert (done.state, done.orders_written) == (ExportState.DONE, 1)
    assert hashlib.sha256(await content(trader, done)).hexdigest() == done.sha256


WORKER = """
import asyncio, sys
from datetime import timedelta
from app.flows.compliance.run_record_exports import RecordExportRunner
from app.infra.db import Database, DatabaseRole
from app.infra.system import SystemClock, SystemIds

async def work(url):
    database, system = Database(url, DatabaseRole.APP, size=2), Database(url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    await system.open()
    await RecordExportRunner(database=database, system_database=system, clock=SystemClock(), ids=SystemIds(),
                             keep=timedelta(days=7), bytes_max=2**30).run_forever()

asyncio.run(work(sys.argv[1]))
"""


async def test_an_export_of_a_killed_worker_goes_on_where_it_was(
    trader: Trader, system_database: Database, owner: asyncpg.Connection, database_url: str
) -> None:
    pages = TURN_PAGES + 2
    await many_orders(owner, trader, PAGE * pages + 7)
    export = await asked(trader)
    root = str(Path(__file__).parents[3])
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, database_url, cwd=root, env={**os.environ, "PYTHONPATH": root}
    )
    try:
        async with asyncio.timeout(60):
            while (await stored(trader, export)).orders_written < PAGE:
                assert worker.returncode is None
                await asyncio.sleep(0.001)
    finally:
        worker.send_signal(signal.SIGKILL)
        await worker.wait()

    dead = await stored(trader, export)
    with pytest.raises(RecordExportUnfinishedError):
        await open_file(trader.desk, trader.principal, export.id)
    while (await stored(trader, export)).state is ExportState.RUNNING:
        assert await runner(trader, system_database, LATER).take_turn(trader.key.tenant_id, export.id)

    done = await stored(trader, export)
    file = await content(trader, done)
    assert dead.state is ExportState.RUNNING
    assert PAGE <= dead.orders_written < PAGE * pages
    assert (done.state, done.orders_written) == (ExportState.DONE, PAGE * pages + 7)
    assert done.pieces == pages + 1
    assert file.splitlines()[1:] == await written(trader.desk, trader, done)
    assert hashlib.sha256(file).hexdigest() == done.sha256


async def test_a_long_export_gives_others_their_turn(
    trader: Trader, system_database: Database, owner: asyncpg.Connection
) -> None:
    await many_orders(owner, trader, PAGE * TURN_PAGES + 1)
    export = await asked(trader)

    await runner(trader, system_database).take_turn(trader.key.tenant_id, export.id)
    waiting = await stored(trader, export)
    await runner(trader, system_database).take_turn(trader.key.tenant_id, export.id)

    assert (waiting.state, waiting.orders_written) == (ExportState.RUNNING, PAGE * TURN_PAGES)
    assert (await stored(trader, export)).state is ExportState.DONE


async def test_an_export_that_never_gets_anywhere_is_given_up(trader: Trader, system_database: Database) -> None:
    export = await asked(trader)
    for turn in range(STALLED_MAX):
        async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
            now = datetime.now(UTC) + (LEASE + timedelta(seconds=1)) * turn
            taken = await exports_batch.take(session, trader.key.tenant_id, export.id, now=now, until=now + LEASE)
        assert taken is not None

    clock = Ahead((LEASE + timedelta(seconds=1)) * STALLED_MAX)
    await runner(trader, system_database, clock).take_turn(trader.key.tenant_id, export.id)

    failed = await stored(trader, export)
    assert (failed.state, failed.failure, failed.sha256) == (ExportState.FAILED, ExportFailure.GIVEN_UP, None)
    assert "order_records.failed" in await acts(trader, export)


async def test_a_file_that_would_be_too_large_fails_and_leaves_no_piece(
    trader: Trader, system_database: Database, owner: asyncpg.Connection
) -> None:
    await many_orders(owner, trader, PAGE + 1)
    whole, export = await asked(trader), await asked(trader)
    await runner(trader, system_database).take_turn(trader.key.tenant_id, whole.id)
    room = (await stored(trader, whole)).stored_bytes

    await runner(trader, system_database, bytes_max=room - 100).take_turn(trader.key.tenant_id, export.id)

    failed = await stored(trader, export)
    assert (failed.state, failed.failure, failed.orders_written) == (
        ExportState.FAILED,
        ExportFailure.TOO_LARGE,
        PAGE,
    )
    assert await owner.fetchval("SELECT count(*) FROM order_record_pieces WHERE export_id = $1", export.id) == 0
    with pytest.raises(RecordExportUnfinishedError):
        await open_file(trader.desk, trader.principal, export.id)


async def test_the_erasure_of_a_person_takes_the_kept_files_that_may_name_them(
    trader: Trader, system_database: Database, owner: asyncpg.Connection
) -> None:
    tenant_id, desk = trader.key.tenant_id, trader.desk
    person = await factories.make_principal(desk.database, tenant_id, role=Role.TRADER)
    placed = await desk.intake.submit(person, trader.order())
    assert placed.order is not None
    assert person.user_id is not None
    email = await owner.fetchval("SELECT email FROM users WHERE id = $1", person.user_id)
    kept, running = await asked(trader), await asked(trader)
    await runner(trader, system_database).take_turn(tenant_id, kept.id)
    file = await content(trader, await stored(trader, kept))
    async with begin_batch(desk.database, tenant_id) as session:
        now = datetime.now(UTC)
        taken = await exports_batch.take(session, tenant_id, running.id, now=now, until=now + LEASE)
        assert taken is not None
        # Another worker has written a piece of it, and is about to write more.
        first = replace(taken, pieces=1, orders_written=1, behind=placed.order.id)
        await exports_batch.store(session, first, now + LEASE)
        await exports_batch.add_piece(session, taken, 0, b"names")

    await erase_person(desk, trader.principal, person.user_id, "asked for it")

    assert email.encode() in file
    with pytest.raises(RecordExportUnknownError):
        await open_file(desk, trader.principal, kept.id)
    assert await owner.fetchval("SELECT count(*) FROM order_record_pieces WHERE tenant_id = $1", tenant_id) == 0
    async with begin_batch(desk.database, tenant_id) as session:
        assert not await exports_batch.store(session, replace(first, pieces=2), now + LEASE)
    await runner(trader, system_database).take_turn(tenant_id, running.id)
    done = await stored(trader, running)
    again = await content(trader, done)
    assert (done.state, done.orders_written) == (ExportState.DONE, 1)
    assert (email.encode() in again, b'"personState": "ERASED"' in again) == (False, True)
    assert "order_records.forgotten" in await acts(trader, kept)


async def test_an_account_gets_its_own_orders_alone(trader: Trader, system_database: Database) -> None:
    await trader.placed(limit_price="100")
    mine, other = (
        await asked(trader, account_id=trader.account_id),
        await asked(trader, account_id=AccountId(trader.desk.ids.new())),
    )

    for export in (mine, other):
        await runner(trader, system_database).take_turn(trader.key.tenant_id, export.id)

    assert [(await stored(trader, one)).orders_written for one in (mine, other)] == [1, 0]


async def test_a_tenant_has_so_many_at_once_however_they_are_asked_for(trader: Trader) -> None:
    asking = (asked(trader) for _ in range(UNFINISHED_MAX * 3))
    answers = await asyncio.gather(*asking, return_exceptions=True)

    refused = [one for one in answers if isinstance(one, RecordExportsFullError)]
    assert len(answers) - len(refused) == UNFINISHED_MAX
    assert refused[0].facts == {"limit": UNFINISHED_MAX}
    assert await count_exports(trader.desk, trader.principal) == UNFINISHED_MAX


async def test_a_tenant_keeps_so_many_until_they_expire(trader: Trader, owner: asyncpg.Connection) -> None:
    export = await asked(trader)
    await owner.execute(
        """
        INSERT INTO order_record_exports (tenant_id, id, from_time, to_time, format, state, requested_by, requested_at,
          due_at, sha256, expires_at)
        SELECT tenant_id, gen_random_uuid(), from_time, to_time, format, 'DONE', requested_by, requested_at, due_at,
          '00', now() + interval '1 day' FROM order_record_exports, generate_series(2, $2) WHERE id = $1
        """,
        export.id,
        KEPT_MAX,
    )

    with pytest.raises(RecordExportsFullError):
        await asked(trader)
    await owner.execute(
        "UPDATE order_record_exports SET expires_at = now() WHERE tenant_id = $1 AND state = 'DONE'", export.tenant_id
    )

    await asked(trader)
    assert await count_exports(trader.desk, trader.principal) == 2


async def test_times_that_cannot_be_are_refused_by_their_names(trader: Trader) -> None:
    day = timedelta(days=1)
    now = datetime.now(UTC)
    paths = []
    for after, before in ((now, now - day), (now, now), (now, now + 367 * day), (now.replace(year=1999), now)):
        with pytest.raises(InputError) as refused:
            await request_export(
                trader.desk, trader.principal, WantedRecords(after=after, before=before), RecordFormat.CSV
            )
        paths.append(refused.value.path)

    assert paths == [("toTime",), ("toTime",), ("toTime",), ("fromTime",)]
    assert await count_exports(trader.desk, trader.principal) == 0


async def test_who_is_restricted_to_accounts_has_no_exports_even_in_the_database(
    trader: Trader, system_database: Database
) -> None:
    export = await asked(trader)
    mine = frozenset({trader.account_id})
    walled = replace(trader.principal, accounts=AccountGrants(view=mine, trade=mine))

    with pytest.raises(WholeTenantError):
        await request_export(trader.desk, walled, today(), RecordFormat.CSV)
    with pytest.raises(WholeTenantError):
        await list_exports(trader.desk, walled, Window(size=5))
    async with begin_batch(trader.desk.database, trader.key.tenant_id, accounts=mine) as session:
        seen = await exports_batch.find(session, trader.key.tenant_id, export.id, datetime.now(UTC))

    assert seen is None


async def test_the_night_throws_away_what_has_expired_and_says_so(
    own_database_url: str, redis_url: str, redis_prefix: str
) -> None:
    settings = Settings(
        environment="test", database_url=own_database_url, redis_url=redis_url, redis_prefix=redis_prefix
    )
    system = Database(own_database_url, DatabaseRole.SYSTEM, size=1)
    await system.open()
    try:
        async with open_desk(settings) as desk:
            tenant_id = await factories.make_tenant(desk.database)
            principal = await factories.make_principal(desk.database, tenant_id)
            exports = [await request_export(desk, principal, today(), RecordFormat.CSV) for _ in range(2)]
            early, late = (
                RecordExportRunner(
                    database=desk.database,
                    system_database=system,
                    clock=clock,
                    ids=desk.ids,
                    keep=KEEP,
                    bytes_max=MIB,
                )
                for clock in (desk.clock, Ahead(KEEP / 2))
            )
            assert await early.take_turn(tenant_id, exports[0].id)
            assert await late.run_due() == 1
            after = Ahead(KEEP + timedelta(hours=1))

            gone = [await prune_record_exports(desk.database, system, after, desk.ids) for _ in range(2)]

            with pytest.raises(RecordExportUnknownError):
                await find_export(desk, principal, exports[0].id)
            kept = await find_export(desk, principal, exports[1].id)
            async with begin_batch(desk.database, tenant_id) as session:
                left = await session.fetch("SELECT DISTINCT export_id FROM order_record_pieces")
                told = await session.fetch("SELECT resource_id FROM audit_log WHERE action = 'order_records.expired'")
    finally:
        await system.close()

    assert gone == [1, 0]
    assert kept.state is ExportState.DONE
    assert [row["export_id"] for row in left] == [exports[1].id]
    assert [row["resource_id"] for row in told] == [str(exports[0].id)]


async def test_an_expired_file_is_not_given_out_before_the_night_either(
    trader: Trader, system_database: Database
) -> None:
    export = await asked(trader)
    past = runner(trader, system_database, keep=-timedelta(seconds=1))

    await past.take_turn(trader.key.tenant_id, export.id)

    with pytest.raises(RecordExportUnknownError):
        await open_file(trader.desk, trader.principal, export.id)
    assert (await list_exports(trader.desk, trader.principal, Window(size=5))).items == ()
