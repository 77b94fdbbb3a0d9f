"""Ed25519 signatures of the installation: the keys of OMS_AUDIT_SIGNING_KEY, by version."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.errors import OmsError

KEY_BYTES: Final = 32
VERSIONS_MAX: Final = 16
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


class SigningKeyError(OmsError):
    """A signing key is none: the settings list versions and keys, such as 2:BASE64,1:BASE64."""

    code = "SIGNING_KEY_INVALID"


class Signer:
    """Signs with the newest private key."""

    def __init__(self, private_keys: Mapping[str, bytes]) -> None:
        """The first key signs. Raises SigningKeyError."""
        if not private_keys:
            raise SigningKeyError("needs a key")
        self._keys = {version: Ed25519PrivateKey.from_private_bytes(key) for version, key in private_keys.items()}
        self.key_id = next(iter(private_keys))
        """The version that signs."""

    @classmethod
    def of(cls, text: str) -> "Signer":
        """The signer of OMS_AUDIT_SIGNING_KEY. Raises SigningKeyError, which never quotes a key."""
        return cls(keys_of(text))

    def sign(self, content: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._keys[self.key_id].sign(content)

    def public_keys(self) -> dict[str, bytes]:
        """The public key of each version."""
        return {version: key.public_key().public_bytes_raw() for version, key in self._keys.items()}


class Signatures:
    """Checks signatures by the version of the key."""

    def __init__(self, public_keys: Mapping[str, bytes]) -> None:
        self._keys = {version: Ed25519PublicKey.from_public_bytes(key) for version, key in public_keys.items()}

    @classmethod
    def of(cls, signing_keys: str, verify_keys: str) -> "Signatures":
        """The signatures of the keys that sign, or signed before. Raises SigningKeyError."""
        own = Signer.of(signing_keys).public_keys() if signing_keys else {}
        return cls(keys_of(verify_keys) | own)

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that are known."""
        return tuple(self._keys)

    def holds(self, key_id: str, content: bytes, signature: bytes) -> bool:
        """True when the key of the version made the signature of the content."""
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


def keys_of(text: str) -> dict[str, bytes]:
    """Keys of 32 bytes by version, in the order of the text. Raises SigningKeyError, which never quotes a key."""
    keys: dict[str, bytes] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        version, colon, encoded = part.rpartition(":")
        if not colon or _VERSION.fullmatch(version) is None:
            raise SigningKeyError("each key has a version of 1 to 32 letters, digits, - and _, such as 1:BASE64")
        if version in keys:
            raise SigningKeyError(f"version {version} comes twice")
        try:
            keys[version] = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise SigningKeyError(f"version {version} is not base64") from error
        if len(keys[version]) != KEY_BYTES:
            raise SigningKeyError(f"version {version} is not a key of {KEY_BYTES} bytes")
    if len(keys) > VERSIONS_MAX:
        raise SigningKeyError(f"at most {VERSIONS_MAX} versions")
    return keys


def new_signing_key() -> str:
    """The text of a new private key, without a version."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
