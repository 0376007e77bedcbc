"""Sweeps made by a Ray cluster that exists; the only file that imports Ray."""

import os
import socket
from concurrent.futures import Future
from typing import Any

import cloudpickle
import ray
from ray.exceptions import RayError

from rightbatch.errors import RightbatchError, SettingError
from rightbatch.study.executor import Work, made_by, packed
from rightbatch.study.machine import fixed_threads
from rightbatch.study.subject import DeadlineError, Subject

_PATIENCE = 10.0
"""Seconds to wait for the cluster's answer."""


class RayTasks:
    """Tasks of the Ray cluster, each on one CPU a thread; the subject lies once in its object store.

    The cluster is the one that the process is connected to already, or that ``RAY_ADDRESS`` names, or
    that this machine belongs to; none is started. A task whose node dies is given to another by Ray.

    Args:
        subject: what is trained.
        jobs: how many sweeps at once; `None`: as many as the cluster has CPUs.
        threads: of the linear algebra library, in each.

    Raises:
        SettingError: there is no cluster, or the subject cannot be sent there.
    """

    lost: type[Exception] = RayError
    """The cluster is gone, or no task came to its end there."""

    def __init__(self, subject: Subject, jobs: int | None, threads: int = 1) -> None:
        data = packed(subject, jobs)
        self._connected = not ray.is_initialized()
        if self._connected:
            _connect()
        self.jobs = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
        self._subject, self._threads = ray.put(data), threads
        self._make = ray.remote(num_cpus=threads)(_make)
        self._under_way: list[Any] = []

    def begin(self) -> "list[Future[Any]]":
        """Let the cluster start its processes; those on this machine would disturb timings."""
        ready = ray.remote(num_cpus=self._threads)(_ready)
        started = [ready.remote([self._subject], self._threads) for _ in range(self.jobs)]
        return [task.future() for task in started]

    def submit(self, work: Work, seconds: float) -> "Future[Any]":
        """Begin a sweep that may take so many seconds, or any other work with the subject."""
        task = self._make.remote([self._subject], self._threads, work, seconds)
        self._under_way.append(task)
        made: Future[Any] = Future()
        task.future().add_done_callback(lambda answer: _pass_on(answer, made))
        return made

    def close(self) -> None:
        """End what is under way, and leave the cluster if the study connected to it."""
        for task in self._under_way:
            ray.cancel(task, force=True)
        if self._connected:
            ray.shutdown()


def _connect() -> None:
    address = os.environ.get("RAY_ADDRESS", "auto")
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError, ValueError) as error:
        instead = "start one with the command ray start --head, or name one in RAY_ADDRESS"
        raise SettingError("executor", "needs a Ray cluster that runs", "ray", instead) from error


def _knock(address: str) -> None:
    """Raise `OSError` if nobody listens at an address such as 10.0.0.1:6379: Ray itself tries for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


def _pass_on(answer: "Future[Any]", made: "Future[Any]") -> None:
    """Give the future of ours what that of Ray holds; errors of the study come as values."""
    error = answer.exception()
    found = answer.result() if error is None else error
    if isinstance(found, BaseException):
        made.set_exception(found)
    else:
        made.set_result(found)


_subjects: dict[Any, Subject] = {}
"""Of a process of the cluster, by their place in the object store: unpacked once."""


def _ready(place: list[Any], threads: int) -> None:
    """On the cluster: unpack the subject, and hold the linear algebra to so many threads."""
    if place[0] not in _subjects:
        _subjects.clear()
        _subjects[place[0]] = cloudpickle.loads(ray.get(place[0]))
        fixed_threads(threads).__enter__()


def _make(place: list[Any], threads: int, work: Work, seconds: float) -> Any:
    """On the cluster: one sweep or other work, or the error that ended it, which Ray would wrap."""
    _ready(place, threads)
    try:
        return made_by(_subjects[place[0]], work, seconds)
    except (DeadlineError, RightbatchError) as error:
        return error
