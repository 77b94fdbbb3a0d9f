"""A process beside this one, behind all others for the processor, that does one piece of work again and again."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from app.infra.embedded.process import end_with

# Behind orders, and behind what carries them.
NICENESS: Final = 15
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_work: Callable[[Any], Any] | None = None


@contextmanager
def working_beside(work: Callable[[Asked], Answer]) -> Iterator[Callable[[Asked], Future[Answer]]]:
    """The way to a process that knows what this one knows and does `work`; it ends with the block, or with this one.

    Begin it while this process has neither a thread nor an event loop: it is forked. Once the process is lost, futures
    and calls raise BrokenProcessPool.
    """
    # What is in memory now stays shared between the two: no collection touches it.
    gc.freeze()
    forking = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, forking, initializer=_begin, initargs=(work, os.getpid())) as pool:
        pool.submit(os.getpid).result()
        yield lambda asked: pool.submit(_do, asked)


def _begin(work: Callable[[Any], Any], parent: int) -> None:
    global _work
    _work = work
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The pipe that it waits at does not end with a parent that was killed.
    end_with(parent, signal.SIGKILL)


def _do(asked: Any) -> Any:
    assert _work is not None, "it is set where the process begins"
    return _work(asked)
