"""Signed heads in an S3-compatible store that others wrote: moto's server, installed for the test alone."""

import io
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE

from app.flows.audit.sign_heads import HeadKeeper, heads_of_sink
from app.flows.audit.verify_audit import verify_audit
from app.infra.db import Database
from app.infra.head_sinks import HeadLine, HeadSink, HeadSinkError, open_sink
from app.infra.system import SystemClock
from tests.clients.environments import python_of
from tests.integration.audit.tampering import SIGNATURES, SIGNER
from tests.integration.audit.writing import make_house

pytestmark = [pytest.mark.clients]

START_S_MAX = 60


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a store."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(python_of("moto")), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/moto-api/")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    retries = urllib3.Retry(total=START_S_MAX * 4, backoff_factor=0.25, backoff_max=0.25)
    with urllib3.PoolManager(retries=retries, timeout=5) as pool:
        assert pool.request("GET", url).status == 200


@pytest.fixture
def client(store: str) -> Minio:
    """The store as its owner sees it."""
    return Minio(
        endpoint=store.removeprefix("http://"), access_key="key", secret_key="secret", secure=False, region="us-east-1"
    )


@pytest.fixture
def bucket(client: Minio) -> str:
    """A bucket that can lock objects."""
    name = f"heads-{uuid4().hex}"
    client.make_bucket(bucket_name=name, object_lock=True)
    return name


def sink_of(store: str, bucket: str, **options: int) -> HeadSink:
    """The sink."""
    return open_sink(
        f"s3://{bucket}/audit/heads",
        endpoint=store,
        access_key="key",
        secret_key="secret",
        region="us-east-1",
        **options,
    )


def _line(tenant_id: UUID, sequence: int) -> HeadLine:
    return HeadLine(tenant_id=tenant_id, sequence=sequence, pruned_sequence=0, line=b'{"sequence":%d}\n' % sequence)


async def test_heads_come_back_in_their_order_tenant_by_tenant(store: str, bucket: str) -> None:
    sink, ours, theirs = sink_of(store, bucket), uuid4(), uuid4()

    await sink.write([_line(ours, 10), _line(ours, 9), _line(theirs, 1)])
    await sink.write([_line(ours, 9), _line(ours, 100)])

    assert await sink.read(ours) == [b'{"sequence":9}', b'{"sequence":10}', b'{"sequence":100}']
    assert await sink.read(theirs) == [b'{"sequence":1}']
    assert await sink.read(uuid4()) == []


async def test_a_head_is_locked_for_as_long_as_the_setting_says(store: str, bucket: str, client: Minio) -> None:
    tenant_id = uuid4()

    await sink_of(store, bucket, lock_days=30).write([_line(tenant_id, 1)])

    [found] = client.list_objects(bucket_name=bucket, recursive=True)
    told = client.stat_object(bucket_name=bucket, object_name=found.object_name or "").metadata
    assert found.object_name == f"audit/heads/{tenant_id}/{1:020d}-{0:020d}.json"
    assert told is not None
    assert told["x-amz-object-lock-mode"] == COMPLIANCE
    until = datetime.fromisoformat(told["x-amz-object-lock-retain-until-date"])
    assert timedelta(days=29) < until - datetime.now(UTC) <= timedelta(days=30)


async def test_a_store_that_refuses_is_told_and_blocks_nobody(store: str, bucket: str) -> None:
    with pytest.raises(HeadSinkError) as missing:
        await sink_of(store, "no-such-bucket").write([_line(uuid4(), 1)])
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = sink_of(f"http://127.0.0.1:{nobody.getsockname()[1]}", bucket)
        with pytest.raises(HeadSinkError):
            await away.write([_line(uuid4(), 1)])

    assert "NoSuchBucket" in missing.value.message


async def test_a_log_is_verified_against_the_store(
    store: str, bucket: str, client: Minio, database: Database, sealer_database: Database
) -> None:
    house, sink = await make_house(database, sealer_database), sink_of(store, bucket)
    keeper = HeadKeeper(sealer_database, SIGNER, sink, SystemClock(), interval_s=0)
    await house.write_random(5, Random(1))
    await house.seal()
    await keeper.keep()
    client.put_object(
        bucket_name=bucket, object_name=f"audit/heads/{house.tenant_id}/junk", data=io.BytesIO(b"junk"), length=4
    )

    heads, bad = await heads_of_sink(sink, house.tenant_id)
    verdict = await verify_audit(database, SIGNATURES, house.tenant_id, limit=None, outside=heads)

    assert ([one.head.sequence for one in heads], bad) == ([5], 1)
    assert verdict.verification.is_intact
    assert verdict.heads == 1
