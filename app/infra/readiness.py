"""Tells the supervisor that a process serves."""

import gc
import os

READY_FD = "OMS_READY_FD"


YOUNG_MAX = 5_000
"""How many new objects there are before the young ones are looked through. A batch of orders makes thousands at once,
and Python's 700 would have each of them looked at while it is still in use."""


def settle() -> None:
    """Has the collector leave alone what the process has loaded until now: it lives until the process ends.

    A collection that looks through all of it stops the process for 90 ms, with the lock of an account's book in its
    hands, perhaps.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *gc.get_threshold()[1:])


def notify_ready() -> None:
    """Settle, and write one line to the descriptor in OMS_READY_FD, once; without one there is nobody to tell."""
    settle()
    descriptor = os.environ.pop(READY_FD, "")
    if not descriptor.isdecimal():
        return
    try:
        os.write(int(descriptor), b"ready\n")
        os.close(int(descriptor))
    except OSError:
        # The supervisor is gone, or the descriptor was inherited from somewhere else: the process serves all the same.
        return
