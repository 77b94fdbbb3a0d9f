"""What an audit entry says, how entries are chained, and what a look at the chain finds."""

from app.audit.domain.chain import GENESIS, Link, SealedEntry, canonical, chain_hash, preimage
from app.audit.domain.entry import AuditEntry
from app.audit.domain.heads import Head, SignedHead
from app.audit.domain.personal import ERASED, PERSONAL, Parted, address_subject, part, put_back, values_subject
from app.audit.domain.retention import KEEP_DAYS_MAX, KEEP_DAYS_MIN, Retention, checked_keep_days
from app.audit.domain.verification import Break, BreakKind, Verification, Verifier

__all__ = [
    "ERASED",
    "GENESIS",
    "KEEP_DAYS_MAX",
    "KEEP_DAYS_MIN",
    "PERSONAL",
    "AuditEntry",
    "Break",
    "BreakKind",
    "Head",
    "Link",
    "Parted",
    "Retention",
    "SealedEntry",
    "SignedHead",
    "Verification",
    "Verifier",
    "address_subject",
    "canonical",
    "chain_hash",
    "checked_keep_days",
    "part",
    "preimage",
    "put_back",
    "values_subject",
]
