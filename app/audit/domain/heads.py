"""The head of a chain as it is told to the outside: which entry was the last at an instant, and its hash."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from app.audit.domain.chain import written_time
from app.core.errors import OmsError
from app.core.ids import TenantId

HEAD_VERSION: Final = 1
_NAMES: Final = {"hash", "keyId", "prunedSequence", "sequence", "signature", "signedAt", "tenantId", "version"}


class HeadUnreadableError(OmsError):
    """What the sink holds is no signed head."""

    code = "AUDIT_HEAD_UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a tenant's chain at an instant; pruned_sequence is the last entry that retention had taken away."""

    tenant_id: TenantId
    sequence: int
    hash: bytes
    pruned_sequence: int
    signed_at: datetime
    key_id: str

    def preimage(self) -> bytes:
        """What is signed: one canonical JSON object, in UTF-8."""
        return _written(self._document())

    def _document(self) -> dict[str, Any]:
        return {
            "hash": self.hash.hex(),
            "keyId": self.key_id,
            "prunedSequence": self.pruned_sequence,
            "sequence": self.sequence,
            "signedAt": written_time(self.signed_at),
            "tenantId": str(self.tenant_id),
            "version": HEAD_VERSION,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A head with its Ed25519 signature."""

    head: Head
    signature: bytes

    def line(self) -> bytes:
        """How a sink keeps it: the signed object with `signature` (base64) added, and a newline."""
        document = self.head._document() | {"signature": base64.b64encode(self.signature).decode()}
        return _written(document) + b"\n"


def read_head(line: bytes) -> SignedHead:
    """The head of a line in a sink; its signature is not checked here. Raises HeadUnreadableError."""
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or set(document) != _NAMES or document["version"] != HEAD_VERSION:
            raise ValueError("other names")
        head = Head(
            tenant_id=TenantId(UUID(document["tenantId"])),
            sequence=int(document["sequence"]),
            hash=bytes.fromhex(document["hash"]),
            pruned_sequence=int(document["prunedSequence"]),
            signed_at=datetime.fromisoformat(document["signedAt"]).astimezone(UTC),
            key_id=str(document["keyId"]),
        )
        return SignedHead(head=head, signature=base64.b64decode(document["signature"], validate=True))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise HeadUnreadableError("a line of the sink is no signed head") from error


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
