"""What the machine knows of its own clock: whether the kernel calls it synchronised, and how far off it may be."""

import ctypes
import sys
import time
from dataclasses import dataclass
from typing import Final

_UNSYNCHRONIZED: Final = 0x40
_ERROR: Final = 5


class _Timex(ctypes.Structure):
    # Source: adjtimex(2), struct timex; the rest is room for what later kernels add.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSource:
    """The clock that times are taken from. None where the machine does not tell.

    error_us_max is the kernel's bound on how far the clock may be off, error_us its estimate, both as what disciplines
    the clock (NTP, PTP) tells them; resolution_ns is the smallest step that the clock tells apart.
    """

    name: str
    is_synchronized: bool | None
    error_us_max: int | None
    error_us: int | None
    resolution_ns: int


def clock_source() -> ClockSource:
    """What is known of the machine's clock now."""
    info = time.get_clock_info("time")
    resolution_ns = max(1, round(info.resolution * 1e9))
    unknown = ClockSource(
        name=info.implementation, is_synchronized=None, error_us_max=None, error_us=None, resolution_ns=resolution_ns
    )
    if not sys.platform.startswith("linux"):
        return unknown
    told = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    except (OSError, AttributeError):
        return unknown
    if state < 0:
        # A container may be kept from asking.
        return unknown
    is_synchronized = state != _ERROR and not told.status & _UNSYNCHRONIZED
    return ClockSource(
        name=info.implementation,
        is_synchronized=is_synchronized,
        error_us_max=told.maxerror if is_synchronized else None,
        error_us=told.esterror if is_synchronized else None,
        resolution_ns=resolution_ns,
    )
