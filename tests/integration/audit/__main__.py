"""The long form of the audit log's proofs: `python -m tests.integration.audit`.

Tampers with random logs in four ways, plainly and with the traces covered, looks at untouched ones for false alarms,
and measures how many entries a second are sealed and verified on this machine.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from shutil import rmtree

import asyncpg

from app.flows.audit.seal_audit import BATCH, Sealer
from app.flows.audit.verify_audit import verify_audit
from app.infra.db import Database, DatabaseRole
from app.infra.embedded import start_postgres
from app.infra.migrations import upgrade
from app.infra.system import SystemClock
from tests.integration.audit.tampering import SIGNATURES, WAYS, make_victim, play
from tests.integration.audit.writing import IDS, VAULT, House, make_house, random_entry

ENTRIES_AT_ONCE = 500
ROUNDS_OF_A_LOG = 25


@asynccontextmanager
async def house() -> AsyncIterator[tuple[House, str]]:
    """A tenant in an empty database of this run's own, and its address."""
    folder = Path(tempfile.mkdtemp(prefix="oms-audit-", dir="/var/tmp"))
    folder.chmod(0o711)
    try:
        async with start_postgres(folder, durable=True) as url:
            await asyncio.to_thread(upgrade, url)
            database = Database(url, DatabaseRole.APP, size=2)
            sealer_database = Database(url, DatabaseRole.SEALER, size=2)
            await database.open()
            await sealer_database.open()
            try:
                yield await make_house(database, sealer_database), url
            finally:
                await sealer_database.close()
                await database.close()
    finally:
        rmtree(folder)


async def tamper(made: House, url: str, rounds: int, seed: int) -> None:
    """Prints how often each way was tried and found; raises AssertionError for what was not."""
    owner = await asyncpg.connect(url)
    alarms = 0
    tried = dict.fromkeys([(way, is_covered) for way in WAYS for is_covered in (False, True)], 0)
    for number in range(-(-rounds // ROUNDS_OF_A_LOG)):
        random = Random(f"{seed} {number}")
        victim = await make_victim(await make_house(made.database, made.sealer_database), owner, random)
        for way, is_covered in tried:
            for _ in range(min(ROUNDS_OF_A_LOG, rounds - tried[way, is_covered])):
                await play(victim, way, random, is_covered=is_covered)
                tried[way, is_covered] += 1
                alarms += not (await victim.verdict()).verification.is_intact
    await owner.close()
    for (way, is_covered), count in tried.items():
        print(f"{way:8} {'covered' if is_covered else 'plainly'}  {count} tried, {count} found and located")
    print(f"{sum(tried.values())} looks at untouched logs, {alarms} false alarms")
    assert not alarms


async def measure(made: House, entries: int, seed: int) -> None:
    """Prints how fast entries are sealed and verified."""
    random = Random(seed)
    for _ in range(0, entries, ENTRIES_AT_ONCE):
        await made.write([random_entry(made.principal, random) for _ in range(ENTRIES_AT_ONCE)])
    sealer = Sealer(made.sealer_database, VAULT, SystemClock(), IDS)
    begun, sealed = time.perf_counter(), 0
    while batch := await sealer.seal_once():
        sealed += batch
    took = time.perf_counter() - begun
    await sealer.stand_down()
    print(f"{sealed} entries sealed in batches of {BATCH}: {sealed / took:,.0f}/s")
    begun = time.perf_counter()
    verdict = await verify_audit(made.database, SIGNATURES, made.tenant_id, limit=None)
    took = time.perf_counter() - begun
    assert verdict.verification.is_intact
    print(f"{verdict.verification.entries} entries verified: {verdict.verification.entries / took:,.0f}/s")


async def run(rounds: int, entries: int, seed: int) -> None:
    """Measures, then tampers."""
    async with house() as (made, url):
        await measure(made, entries, seed)
        await tamper(made, url, rounds, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.integration.audit", description=__doc__)
    parser.add_argument("--rounds", type=int, default=250, help="of each way, plainly and covered")
    parser.add_argument("--entries", type=int, default=50_000, help="to be sealed and verified for the measurement")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(run(given.rounds, given.entries, given.seed))
