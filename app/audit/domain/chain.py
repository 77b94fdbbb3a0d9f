"""The hash chain of a tenant: how an entry is written byte for byte, and what its hash is taken over."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from app.core.ids import TenantId

GENESIS: Final = bytes(32)
"""The hash before the first entry."""
VERSION: Final = 1
EXACT_INTEGER_MAX: Final = 2**53 - 1
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEntry:
    """An entry at its place in the chain. sequence counts from 1 without a gap.

    old_values and new_values are canonical JSON text; what is personal in them, and the address, is sealed apart under
    the keys that address_key and values_key name.
    """

    tenant_id: TenantId
    sequence: int
    id: UUID
    actor: str
    action: str
    resource_type: str
    resource_id: str | None
    old_values: str | None
    new_values: str | None
    address_key: UUID | None
    sealed_address: bytes | None
    values_key: UUID | None
    sealed_values: bytes | None
    request_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A sealed entry with its hash as it is stored."""

    entry: SealedEntry
    hash: bytes


def canonical(value: Any) -> str:
    """The value as JSON by RFC 8785. Numbers with a point or an exponent, and integers beyond 2^53 - 1, become strings:
    what is left reads the same in every language.
    """
    return _written(_plain(value))


def preimage(entry: SealedEntry, previous: bytes) -> bytes:
    """What the hash of the entry is taken over: one canonical JSON object, in UTF-8."""
    # The keys stand in their order; old and new values are canonical already and stay as they are.
    parts = (
        ("action", _written(entry.action)),
        ("actor", _written(entry.actor)),
        ("addressKey", _written(_text(entry.address_key))),
        ("createdAt", _written(written_time(entry.created_at))),
        ("id", _written(str(entry.id))),
        ("newValues", entry.new_values or "null"),
        ("oldValues", entry.old_values or "null"),
        ("previous", _written(previous.hex())),
        ("requestId", _written(entry.request_id)),
        ("resourceId", _written(entry.resource_id)),
        ("resourceType", _written(entry.resource_type)),
        ("sealedAddress", _written(_base64(entry.sealed_address))),
        ("sealedValues", _written(_base64(entry.sealed_values))),
        ("sequence", str(entry.sequence)),
        ("tenantId", _written(str(entry.tenant_id))),
        ("valuesKey", _written(_text(entry.values_key))),
        ("version", str(VERSION)),
    )
    return ("{" + ",".join(f'"{name}":{text}' for name, text in parts) + "}").encode()


def chain_hash(entry: SealedEntry, previous: bytes) -> bytes:
    """SHA-256 over the entry and the hash before it."""
    return sha256(preimage(entry, previous)).digest()


def link_document(link: Link) -> dict[str, Any]:
    """A link for whoever verifies without us: the entry without the hash before it, and its own hash."""
    entry: dict[str, Any] = json.loads(preimage(link.entry, GENESIS))
    del entry["previous"]
    return {"entry": entry, "hash": link.hash.hex()}


def written_time(at: datetime) -> str:
    """An instant in UTC with microseconds, such as 2026-11-21T09:30:00.000000Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    # Source: RFC 8785, section 3.2.3: names are sorted by their UTF-16 code units.
    match value:
        case dict():
            # Of ASCII alone the order is that of the characters.
            names = sorted(value) if all(map(str.isascii, value)) else sorted(value, key=_utf16)
            return {name: _plain(value[name]) for name in names}
        case list() | tuple():
            return [_plain(one) for one in value]
        case None | bool() | str():
            return value
        case int() if abs(value) <= EXACT_INTEGER_MAX:
            return value
        case _:
            return str(value)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _written(value: Any) -> str:
    return _ENCODER.encode(value)


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


def _base64(sealed: bytes | None) -> str | None:
    return None if sealed is None else base64.b64encode(sealed).decode()
