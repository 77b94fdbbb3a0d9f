"""What a worker does for the audit log as long as it runs."""

import asyncio
import base64
from pathlib import Path
from random import Random

from app.flows.audit.keep_audit import sealing
from app.flows.audit.sign_heads import heads_of_sink
from app.infra.db import Database
from app.infra.head_sinks import FileSink
from app.infra.settings import Settings
from app.infra.system import SystemClock
from tests.integration.audit.writing import IDS, make_house

WITHIN_S = 30


async def test_a_worker_seals_signs_and_delivers(
    database: Database, sealer_database: Database, database_url: str, tmp_path: Path
) -> None:
    house = await make_house(database, sealer_database)
    settings = Settings.model_validate(
        {
            "environment": "test",
            "database_url": database_url,
            "audit_signing_key": f"1:{base64.b64encode(bytes(range(32))).decode()}",
            "audit_sink": f"file://{tmp_path}",
            "audit_head_interval_s": 1,
        }
    )
    await house.write_random(7, Random(1))
    sink = FileSink(tmp_path)

    async with sealing(settings, sealer_database, SystemClock(), IDS), asyncio.timeout(WITHIN_S):
        while not (await heads_of_sink(sink, house.tenant_id))[0]:
            await asyncio.sleep(0.05)

    heads, _ = await heads_of_sink(sink, house.tenant_id)
    assert heads[-1].head.sequence == 7
    assert heads[-1].head.hash == (await house.links())[-1].hash
