"""Tells the supervisor that a process serves."""

import os

READY_FD = "OMS_READY_FD"


def notify_ready() -> None:
    """Write one line to the descriptor in OMS_READY_FD, once; without one there is nobody to tell."""
    descriptor = os.environ.pop(READY_FD, "")
    if not descriptor.isdecimal():
        return
    try:
        os.write(int(descriptor), b"ready\n")
        os.close(int(descriptor))
    except OSError:
        # The supervisor is gone, or the descriptor was inherited from somewhere else: the process serves all the same.
        return
