"""The beginning of a worker process.

While one reads what it is to begin with, whoever starts it waits, and the next process with it. So this
module imports little: what else is needed comes along with the subject, after it was read.
"""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait as wait_for
from typing import Any

import cloudpickle
from threadpoolctl import threadpool_limits

subject: list[Any] = []
"""What this process trains, once it has begun."""


def begin(packed: bytes, threads: int) -> None:
    """Once in each process: unpack the subject and hold the linear algebra to so many threads.

    Ctrl-C is the main process's affair, which ends the workers; if that was killed they end themselves.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    subject.append(cloudpickle.loads(packed))
    threadpool_limits(threads).__enter__()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
