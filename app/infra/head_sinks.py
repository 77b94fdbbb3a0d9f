"""Where signed heads are kept outside the database: files that are only appended to, or an S3-compatible store."""

import asyncio
import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import MinioException
from minio.retention import Retention

from app.core.errors import OmsError
from app.infra.head_addresses import sink_address

TIMEOUT_S: Final = 10.0
LINE_BYTES_MAX: Final = 4096
HEADS_MAX: Final = 1_000_000


class HeadSinkError(OmsError):
    """The sink of signed heads does not take or give them."""

    code = "AUDIT_SINK_FAILED"
    is_retryable = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLine:
    """A signed head as a sink keeps it: a line for the chain of a tenant, up to a sequence."""

    tenant_id: UUID
    sequence: int
    pruned_sequence: int
    line: bytes


class HeadSink(Protocol):
    """A place outside the database. To write a head twice is no error."""

    async def write(self, heads: Sequence[HeadLine]) -> None:
        """Keeps the heads; they survive a crash once this returns. Raises HeadSinkError."""
        ...

    async def read(self, tenant_id: UUID) -> list[bytes]:
        """The lines of a tenant, also those that are no heads. Raises HeadSinkError."""
        ...


class FileSink:
    """A file for each tenant in a folder, `<tenant>.jsonl`, appended to and synced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, heads: Sequence[HeadLine]) -> None:
        """Keeps the heads. Raises HeadSinkError."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await asyncio.to_thread(self._append, heads)
        except (OSError, TimeoutError) as error:
            raise HeadSinkError(f"{self._folder} takes no heads: {_reason(error)}") from error

    async def read(self, tenant_id: UUID) -> list[bytes]:
        """The lines of a tenant. Raises HeadSinkError."""
        try:
            content = await asyncio.to_thread(self._content, tenant_id)
        except OSError as error:
            raise HeadSinkError(f"{self._folder} gives no heads: {_reason(error)}") from error
        return [line for line in content.split(b"\n") if line.strip()]

    def _append(self, heads: Sequence[HeadLine]) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for tenant_id in dict.fromkeys(head.tenant_id for head in heads):
            self._append_to(tenant_id, b"".join(head.line for head in heads if head.tenant_id == tenant_id))
        self._sync_folder()

    def _append_to(self, tenant_id: UUID, lines: bytes) -> None:
        descriptor = os.open(self._path(tenant_id), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            # A line that a crash cut off stays by itself: what comes now begins a line of its own.
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            while lines:
                lines = lines[os.write(descriptor, lines) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _content(self, tenant_id: UUID) -> bytes:
        try:
            with self._path(tenant_id).open("rb") as file:
                return file.read(HEADS_MAX * LINE_BYTES_MAX)
        except FileNotFoundError:
            return b""

    def _path(self, tenant_id: UUID) -> Path:
        return self._folder / f"{tenant_id}.jsonl"


class S3Sink:
    """An object for each head, `<prefix>/<tenant>/<sequence>-<pruned>.json`, locked where the bucket can lock."""

    def __init__(self, client: Minio, bucket: str, prefix: str, *, lock_days: int) -> None:
        """lock_days is how long nobody, not even the bucket's owner, can delete or change an object; 0 for no lock."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._lock_days = lock_days

    async def write(self, heads: Sequence[HeadLine]) -> None:
        """Keeps the heads. Raises HeadSinkError."""
        for head in heads:
            await self._call(self._put, head)

    async def read(self, tenant_id: UUID) -> list[bytes]:
        """The lines of a tenant. Raises HeadSinkError."""
        lines: list[bytes] = await self._call(self._lines, tenant_id)
        return lines

    async def _call(self, function: Any, argument: Any) -> Any:
        try:
            return await asyncio.to_thread(function, argument)
        except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise HeadSinkError(f"bucket {self._bucket}: {_reason(error)}") from error

    def _put(self, head: HeadLine) -> None:
        name = f"{self._of(head.tenant_id)}{head.sequence:020d}-{head.pruned_sequence:020d}.json"
        until = datetime.now(UTC) + timedelta(days=self._lock_days)
        retention = Retention(COMPLIANCE, until) if self._lock_days else None
        self._client.put_object(
            bucket_name=self._bucket,
            object_name=name,
            data=io.BytesIO(head.line),
            length=len(head.line),
            content_type="application/json",
            # S3 asks for a digest of the content where an object is locked.
            metadata={
                "x-amz-sdk-checksum-algorithm": "SHA256",
                "x-amz-checksum-sha256": base64.b64encode(sha256(head.line).digest()).decode(),
            },
            retention=retention,
        )

    def _lines(self, tenant_id: UUID) -> list[bytes]:
        lines = []
        for found in self._client.list_objects(bucket_name=self._bucket, prefix=self._of(tenant_id), recursive=True):
            response = self._client.get_object(bucket_name=self._bucket, object_name=found.object_name)
            try:
                lines.append(response.read(LINE_BYTES_MAX).strip())
            finally:
                response.close()
                response.release_conn()
            if len(lines) >= HEADS_MAX:
                break
        return lines

    def _of(self, tenant_id: UUID) -> str:
        return f"{self._prefix}{tenant_id}/"


def open_sink(
    url: str, *, endpoint: str = "", access_key: str = "", secret_key: str = "", region: str = "", lock_days: int = 0
) -> HeadSink:
    """The sink of an address; endpoint is the S3 server's, https://host:port. Nothing is connected yet."""
    address = sink_address(url)
    if address.folder is not None:
        return FileSink(address.folder)
    server = urlsplit(endpoint)
    timeout = urllib3.Timeout(connect=TIMEOUT_S, read=TIMEOUT_S)
    client = Minio(
        endpoint=server.netloc,
        access_key=access_key,
        secret_key=secret_key,
        secure=server.scheme == "https",
        region=region or None,
        # The deliverer tries again by itself, and must not hang in the library's own tries.
        http_client=urllib3.PoolManager(timeout=timeout, retries=urllib3.Retry(total=1, backoff_factor=0.2)),
    )
    return S3Sink(client, address.bucket, address.prefix, lock_days=lock_days)


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
