"""Tells the supervisor that a process serves."""

import gc
import os

READY_FD = "OMS_READY_FD"


def notify_ready() -> None:
    """Write one line to the descriptor in OMS_READY_FD, once; without one there is nobody to tell.

    What the process has loaded until now lives until its end, and later collections leave it alone: one that looks
    through all of it stops the process for 90 ms, with the lock of an account's book in its hands, perhaps.
    """
    gc.collect()
    gc.freeze()
    descriptor = os.environ.pop(READY_FD, "")
    if not descriptor.isdecimal():
        return
    try:
        os.write(int(descriptor), b"ready\n")
        os.close(int(descriptor))
    except OSError:
        # The supervisor is gone, or the descriptor was inherited from somewhere else: the process serves all the same.
        return
