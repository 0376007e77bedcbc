"""Ask a caller's own code for something without waiting for it for ever."""

import atexit
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from rightbatch.study.subject import DeadlineError

_GRACE = 1.0
"""Seconds: most calls that begin before a deadline end soon after it."""

_AT_EXIT = 10.0
"""Seconds that the process waits at its end for a call that was left behind."""


class Worker:
    """One background thread that makes calls, one after the other, in the order asked.

    A call that is not back soon after its deadline is left behind, and the worker takes no more calls. One
    that has several things to do looks between them whether it was `left`. The thread is a daemon, but the
    process waits a little for it at its end: to tear the interpreter down under a thread that computes makes
    some libraries abort.

    Example:
        >>> Worker().ask(lambda: 6 * 7, deadline=float("inf"))
        42
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        self.left = False
        """Whether nobody waits any more for the call under way."""
        self._thread = threading.Thread(target=self._work, daemon=True, name="rightbatch-train")
        self._thread.start()

    def ask(self, call: Callable[[], Any], *, deadline: float) -> Any:
        """What the call returns, or the error that it raises.

        Args:
            call: without arguments.
            deadline: `time.perf_counter()` after which it is left behind, with a second's grace.

        Raises:
            DeadlineError: it was not back in time.
        """
        self._calls.put(call)
        left = min(deadline + _GRACE - time.perf_counter(), threading.TIMEOUT_MAX)
        try:
            returned, value = self._answers.get(timeout=max(left, 0))
        except queue.Empty:
            self.left = True
            self._calls.put(None)
            atexit.register(self._thread.join, _AT_EXIT)
            raise DeadlineError from None
        if returned:
            return value
        raise value

    def close(self, last: Iterable[Callable[[], Any]] = ()) -> None:
        """Let the thread end after some last calls, which nobody waits for."""
        self.left = True
        for call in (*last, None):
            self._calls.put(call)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                answer = True, call()
            except BaseException as error:
                answer = False, error
            self._answers.put(answer)
