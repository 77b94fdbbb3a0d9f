"""Envelope encryption: secrets under a data key of a tenant or a person, data keys under the master key."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.errors import OmsError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
VERSIONS_MAX: Final = 16
# The first byte of what was sealed: how it was done.
_FORMAT: Final = b"\x01"
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


class SecretUnreadableError(OmsError):
    """What was sealed does not open: it was changed, moved to another place, or its key is not here."""

    code = "SECRET_UNREADABLE"


class MasterKeyError(OmsError):
    """The master key is none: OMS_MASTER_KEY lists versions and keys, such as 2:BASE64,1:BASE64."""

    code = "MASTER_KEY_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """A data key as it is stored: under a version of the master key."""

    master_version: str
    wrapped: bytes


class Vault:
    """The master keys of the installation, by version; the first of them wraps what is new."""

    def __init__(self, master_keys: Mapping[str, bytes]) -> None:
        """Raises MasterKeyError."""
        if not 0 < len(master_keys) <= VERSIONS_MAX:
            raise MasterKeyError(f"needs 1 to {VERSIONS_MAX} versions")
        for version, key in master_keys.items():
            if _VERSION.fullmatch(version) is None:
                raise MasterKeyError("a version is 1 to 32 letters, digits, - and _")
            if len(key) != KEY_BYTES:
                raise MasterKeyError(f"version {version} is not a key of {KEY_BYTES} bytes")
        self._master = {version: AESGCM(key) for version, key in master_keys.items()}
        self.current = next(iter(master_keys))
        """The version that wraps new data keys."""

    @classmethod
    def of(cls, text: str) -> "Vault":
        """The vault of OMS_MASTER_KEY: `version:base64` of 32 bytes each, the newest first, parted by commas.

        A single key may come without a version, and is version 1. Raises MasterKeyError, which never quotes a key.
        """
        return cls(keys_of(text))

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that open what they wrapped, the current one first."""
        return tuple(self._master)

    def new_data_key(self, purpose: str) -> tuple["DataKey", WrappedKey]:
        """A new data key, and how it is stored. `purpose` says whose it is: it opens under the same words alone."""
        key = secrets.token_bytes(KEY_BYTES)
        return DataKey(key), self._wrap(key, purpose)

    def data_key(self, stored: WrappedKey, purpose: str) -> "DataKey":
        """The data key. Raises SecretUnreadableError."""
        return DataKey(self._unwrap(stored, purpose))

    def rewrap(self, stored: WrappedKey, purpose: str) -> WrappedKey:
        """The same data key under the current version. Raises SecretUnreadableError."""
        return self._wrap(self._unwrap(stored, purpose), purpose)

    def _wrap(self, key: bytes, purpose: str) -> WrappedKey:
        wrapped = _sealed(self._master[self.current], key, _place("data-key", purpose, self.current))
        return WrappedKey(master_version=self.current, wrapped=wrapped)

    def _unwrap(self, stored: WrappedKey, purpose: str) -> bytes:
        master = self._master.get(stored.master_version)
        if master is None:
            raise SecretUnreadableError(
                f"version {stored.master_version} of the master key is not in OMS_MASTER_KEY",
                masterVersion=stored.master_version,
            )
        return _opened(master, stored.wrapped, _place("data-key", purpose, stored.master_version))


class DataKey:
    """A key that seals secrets."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, *place: str) -> bytes:
        """The secret sealed for a place, such as its tenant, row and field: nowhere else does it open."""
        return _sealed(self._cipher, secret.encode(), _place("secret", *place))

    def open(self, sealed: bytes, *place: str) -> str:
        """The secret. Raises SecretUnreadableError when it was changed, or sealed for another place."""
        return _opened(self._cipher, sealed, _place("secret", *place)).decode()


def keys_of(text: str) -> dict[str, bytes]:
    """The master keys of OMS_MASTER_KEY by version, the newest first. Raises MasterKeyError."""
    keys: dict[str, bytes] = {}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        version, colon, encoded = part.rpartition(":")
        if not colon:
            if len(parts) > 1:
                raise MasterKeyError("of several keys each needs a version, such as 2:BASE64,1:BASE64")
            version = "1"
        if version in keys:
            raise MasterKeyError(f"version {version} comes twice")
        keys[version] = _decoded(version, encoded)
    return keys


def new_master_key() -> str:
    """The text of a new master key, without a version."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _decoded(version: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MasterKeyError(f"version {version} is not base64") from error


def _sealed(cipher: AESGCM, content: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, content, _FORMAT + place)


def _opened(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    begin = len(_FORMAT)
    if sealed[:begin] != _FORMAT:
        raise SecretUnreadableError("what is stored was not sealed in a way that is known here")
    nonce, content = sealed[begin : begin + NONCE_BYTES], sealed[begin + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, content, _FORMAT + place)
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadableError("what is stored was changed, or belongs to another place") from error


def _place(*parts: str) -> bytes:
    # Each part with its length before it, so that no two places are written alike.
    return b"".join(len(encoded).to_bytes(4, "big") + encoded for encoded in (part.encode() for part in parts))
