"""Verifies an export of the audit log without OMS Trading: python audit_verify.py chain.jsonl heads.jsonl keys.txt."""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def written(document):
    return json.dumps(dict(sorted(document.items())), separators=(",", ":"), ensure_ascii=False).encode()


chain, heads, keys = (open(name, encoding="utf-8") for name in sys.argv[1:4])  # noqa: SIM115
public = {version: base64.b64decode(key) for version, key in (line.strip().rsplit(":", 1) for line in keys)}
previous, expected, found = "00" * 32, 1, {}
for line in chain:
    entry, stored = (document := json.loads(line))["entry"], document["hash"]
    if not found and entry["sequence"] > 1:  # Retention pruned what was before: a head has to vouch for the first.
        expected, previous = entry["sequence"], None
    if entry["sequence"] != expected:
        sys.exit(f"entry {expected} is missing")
    if previous is not None and hashlib.sha256(written(entry | {"previous": previous})).hexdigest() != stored:
        sys.exit(f"entry {expected} was altered")
    found[expected], previous, expected = stored, stored, expected + 1
for line in heads:
    head = json.loads(line)
    signature = base64.b64decode(head.pop("signature"))
    Ed25519PublicKey.from_public_bytes(public[head["keyId"]]).verify(signature, written(head))
    if head["sequence"] >= min(found, default=1) and found.get(head["sequence"]) != head["hash"]:
        sys.exit(f"entries up to {head['sequence']} were rewritten or cut off")
print(f"{len(found)} entries hold")
