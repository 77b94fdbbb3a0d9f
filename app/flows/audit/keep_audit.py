"""What a worker does for the audit log as long as it runs: sealing, signing, delivering."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.clock import Clock
from app.core.ids import Ids
from app.flows.audit.seal_audit import Sealer, seal_forever
from app.flows.audit.sign_heads import HeadKeeper, keep_heads_forever
from app.infra.db import Database
from app.infra.head_sinks import HeadSink, open_sink
from app.infra.settings import Settings
from app.infra.sharing import end_task
from app.infra.signing import Signatures, Signer
from app.infra.vault import Vault


@asynccontextmanager
async def sealing(settings: Settings, database: Database, clock: Clock, ids: Ids) -> AsyncIterator[None]:
    """The audit log is sealed, and its heads are signed and delivered, until the block ends.

    The database must be of the role SEALER.
    """
    sealer = Sealer(database, Vault.of(settings.master_key.get_secret_value()), clock, ids)
    tasks = [asyncio.create_task(seal_forever(sealer), name="audit sealer")]
    signer = signer_of(settings)
    if signer is not None:
        keeper = HeadKeeper(database, signer, sink_of(settings), clock, interval_s=settings.audit_head_interval_s)
        tasks.append(asyncio.create_task(keep_heads_forever(keeper, lambda: sealer.is_active), name="audit heads"))
    try:
        yield
    finally:
        for task in tasks:
            await end_task(task)


def signer_of(settings: Settings) -> Signer | None:
    """Who signs the heads; None without a key."""
    keys = settings.audit_signing_key.get_secret_value()
    return Signer.of(keys) if keys else None


def signatures_of(settings: Settings) -> Signatures:
    """What the signatures of heads are held against."""
    return Signatures.of(settings.audit_signing_key.get_secret_value(), settings.audit_verify_keys)


def sink_of(settings: Settings) -> HeadSink | None:
    """Where the heads are kept; None for nowhere."""
    if not settings.audit_sink:
        return None
    return open_sink(
        settings.audit_sink,
        endpoint=settings.audit_sink_endpoint or "",
        access_key=settings.audit_sink_access_key,
        secret_key=settings.audit_sink_secret_key.get_secret_value(),
        region=settings.audit_sink_region,
        lock_days=settings.audit_sink_lock_days,
    )
