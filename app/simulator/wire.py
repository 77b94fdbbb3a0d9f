"""The TWS wire: length-prefixed frames of NUL-ended fields, and how a field is read and written."""

import struct
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from app.core.money import plain

FRAME_BYTES_MAX = 1 << 20
"""A longer frame from a client ends its session."""

UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"

_LENGTH = struct.Struct(">I")
_UNSET_DOUBLE_FROM = Decimal("1e300")
_UNSET_INTEGER_VALUE = int(UNSET_INTEGER)
_EXPONENT_MAX = 18
_DIGITS_MAX = 40


class FrameError(Exception):
    """The bytes are no frame of this protocol."""


class FieldError(Exception):
    """A field is missing or is not what its place calls for."""


def encode(*fields: str | int) -> bytes:
    """One frame of the fields in their order."""
    payload = ("\0".join(map(str, fields)) + "\0").encode()
    return _LENGTH.pack(len(payload)) + payload


def text(value: Decimal | None, *, unset: str = "") -> str:
    """The field of a number, or `unset` where there is none."""
    return unset if value is None else plain(value)


def take_frame(buffer: bytearray) -> bytes | None:
    """The first frame's payload, removed from the front of the buffer; None until it is there whole.

    Raises FrameError for a length beyond FRAME_BYTES_MAX.
    """
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    if length > FRAME_BYTES_MAX:
        raise FrameError(f"a frame of {length} bytes")
    end = _LENGTH.size + length
    if len(buffer) < end:
        return None
    payload = bytes(buffer[_LENGTH.size : end])
    del buffer[:end]
    return payload


class FieldReader:
    """Reads one message's fields from left to right. Every read raises FieldError for a field that does not hold."""

    __slots__ = ("_fields", "_position")

    def __init__(self, payload: bytes) -> None:
        self._fields = payload.decode(errors="backslashreplace").split("\0")
        self._fields.pop()
        self._position = 0

    @property
    def fields(self) -> Sequence[str]:
        """All fields, read or not."""
        return self._fields

    def text(self) -> str:
        """The next field as it is."""
        if self._position >= len(self._fields):
            raise FieldError(f"field {self._position} is missing")
        field = self._fields[self._position]
        self._position += 1
        return field

    def integer(self, default: int = 0) -> int:
        """The next field as a whole number; empty or unset gives the default."""
        field = self.text()
        if not field:
            return default
        try:
            value = int(field)
        except ValueError as error:
            raise FieldError(f"field {self._position - 1} is not a whole number") from error
        if abs(value) > _UNSET_INTEGER_VALUE:
            raise FieldError(f"field {self._position - 1} is out of range")
        return default if value == _UNSET_INTEGER_VALUE else value

    def decimal(self) -> Decimal | None:
        """The next field as an exact number; None when empty or unset."""
        field = self.text()
        if not field:
            return None
        if len(field) > _DIGITS_MAX:
            raise FieldError(f"field {self._position - 1} is too long for a number")
        try:
            value = Decimal(field)
        except InvalidOperation as error:
            raise FieldError(f"field {self._position - 1} is not a number") from error
        if not value.is_finite():
            raise FieldError(f"field {self._position - 1} is not a finite number")
        if value >= _UNSET_DOUBLE_FROM:
            return None
        if value and abs(value.adjusted()) > _EXPONENT_MAX:
            raise FieldError(f"field {self._position - 1} is out of range")
        return value

    def boolean(self) -> bool:
        """The next field as a flag; empty is false."""
        return self.integer() != 0

    def skip(self, count: int) -> None:
        """Pass over fields that this server does not use."""
        for _ in range(count):
            self.text()
