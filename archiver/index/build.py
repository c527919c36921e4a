"""Indexes many files: read by one or several processes, written by one, which alone knows the database.

What is committed is whole up to a place in each file; after a kill, reading goes on there.
"""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any

from sqlalchemy import Connection, Engine

from archiver.errors import MunimentError, StorageFailed
from archiver.index.batches import BATCH_ROWS, Batch, Counts, FileRows, Progress
from archiver.index.database import writing
from archiver.index.load import Load, Loader
from archiver.index.quick import MIN_BYTES, Looker
from archiver.store.protocol import WarcStore

_FORK = get_context("fork")


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be indexed.

    Attributes:
        file: its name in the store.
        collections: slugs of those that it is for.
        start: where an earlier reading got to.
        is_growing: more may be written to it.
    """

    file: str
    collections: tuple[str, ...]
    start: Progress = Progress()
    is_growing: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A file that was read, its rows committed.

    Attributes:
        task: what was to be done.
        counts: what was met.
        progress: how far it was read.
        failure: why it could not be read to its end; "" when it was.
    """

    task: Task
    counts: Counts
    progress: Progress
    failure: str = ""


#: Told that reading has come to a place of a file.
Told = Callable[[Task, int], None]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of what became of a task: rows, or, at its end, counts."""

    batch: Batch | None
    position: int
    counts: Counts | None = None
    failure: str = ""


class Builder:
    """Reads files and writes their rows.

    Args:
        engine: the archive's database.
        open_store: opens the WARC files, in each process anew.
        loader: writes the rows.
        min_bytes: shorter payloads are not referred to by later captures.
        workers: processes that read; 1 reads in this one, and unpacks large records in a second thread.
    """

    def __init__(
        self,
        engine: Engine,
        open_store: Callable[[], WarcStore],
        loader: Loader,
        *,
        min_bytes: int = MIN_BYTES,
        workers: int = 1,
    ) -> None:
        self._engine = engine
        self._open_store = open_store
        self._loader = loader
        self._min_bytes = min_bytes
        self._workers = workers

    def run(self, tasks: Iterable[Task], told: Told | None = None) -> Iterator[Done]:
        """Index files; each is given back when its rows are committed.

        Raises:
            StorageFailed: the database does not take the rows, or a process ended by itself; what was committed stays.
        """
        queue = list(tasks)
        if self._workers > 1 and len(queue) > 1:
            with _started(min(self._workers, len(queue)), self._open_store, self._min_bytes) as workers:
                yield from self._commit(_shared(queue, workers), told)
            return
        store = self._open_store()
        try:
            # Then a second thread has a processor to itself.
            yield from self._commit(_alone(queue, store, self._min_bytes, ahead=(os.cpu_count() or 1) > 1), told)
        finally:
            store.close()

    def run_within(self, connection: Connection, tasks: Iterable[Task], store: WarcStore) -> list[Done]:
        """Index files that are small, in a transaction of the caller's."""
        done: list[Done] = []
        for task, piece in _alone(tasks, store, self._min_bytes):
            if piece.batch is not None:
                self._loader.load(connection, [Load(task.file, task.collections, piece.batch)])
            if piece.counts is not None:
                done.append(Done(task, piece.counts, Progress(piece.position), piece.failure))
        return done

    def _commit(self, pieces: Iterator[tuple[Task, _Piece]], told: Told | None) -> Iterator[Done]:
        loads: list[Load] = []
        done: list[Done] = []
        reached: dict[Task, Progress] = {}
        rows = 0

        def commit() -> None:
            nonlocal rows
            if loads:
                with writing(self._engine) as connection:
                    self._loader.load(connection, loads)
            loads.clear()
            rows = 0

        for task, piece in pieces:
            if piece.batch is not None:
                loads.append(Load(task.file, task.collections, piece.batch))
                rows += len(piece.batch.rows) * len(task.collections)
                reached[task] = piece.batch.progress
            if piece.counts is not None:
                done.append(Done(task, piece.counts, reached.pop(task, task.start), piece.failure))
            if rows >= BATCH_ROWS or len(loads) >= BATCH_ROWS // 20:
                commit()
                yield from done
                done.clear()
            if told is not None:
                told(task, piece.position)
        commit()
        yield from done


def _alone(tasks: Iterable[Task], store: WarcStore, min_bytes: int, *, ahead: bool = False) -> Iterator[tuple[Task, _Piece]]:
    looker = Looker(min_bytes)
    for task in tasks:
        for piece in _read(task, store, looker, min_bytes, ahead=ahead):
            yield task, piece


def _read(task: Task, store: WarcStore, looker: Looker, min_bytes: int, *, ahead: bool = False) -> Iterator[_Piece]:
    rows: FileRows | None = None
    failure = ""
    try:
        with store.open(task.file) as stream:
            rows = FileRows(stream, looker, min_bytes=min_bytes, start=task.start, is_growing=task.is_growing, ahead=ahead)
            for batch in rows.batches():
                yield _Piece(batch, rows.position)
    except MunimentError as error:
        failure = error.message
    except OSError as error:
        failure = f"It cannot be read: {error.strerror}."
    yield _Piece(None, 0 if rows is None else rows.position, Counts() if rows is None else rows.counts, failure)


# -- several processes -----------------------------------------------------------------------------------------------


@contextmanager
def _started(count: int, open_store: Callable[[], WarcStore], min_bytes: int) -> Iterator[list[Pipe]]:
    """Processes that read, and our ends of the pipes to them."""
    pipes: list[Pipe] = []
    processes: list[Any] = []
    try:
        for _ in range(count):
            ours, theirs = _FORK.Pipe()
            process = _FORK.Process(target=_work, args=(theirs, [*pipes, ours], open_store, min_bytes), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(1)
            if process.is_alive():
                process.terminate()
                process.join()


def _work(pipe: Pipe, others: list[Pipe], open_store: Callable[[], WarcStore], min_bytes: int) -> None:
    """One process: reads what it is given until the pipe ends."""
    for other in others:
        other.close()  # so that the pipe ends when the writer does
    parent = os.getppid()
    gc.freeze()
    store = open_store()
    looker = Looker(min_bytes)
    try:
        while True:
            task: Task = pipe.recv()
            for piece in _read(task, store, looker, min_bytes):
                pipe.send(piece)
                if os.getppid() != parent:
                    return
    except (EOFError, OSError):
        return
    finally:
        store.close()


def _shared(queue: list[Task], pipes: list[Pipe]) -> Iterator[tuple[Task, _Piece]]:
    """Gives each process a task, and the next one as soon as it is done."""
    waiting = deque(queue)
    at: dict[Pipe, Task] = {}
    try:
        for pipe in pipes:
            if waiting:
                at[pipe] = waiting.popleft()
                pipe.send(at[pipe])
        while at:
            ready = wait(list(at))
            for pipe in [pipe for pipe in at if pipe in ready]:
                task, piece = at[pipe], pipe.recv()
                if piece.counts is not None:
                    del at[pipe]
                    if waiting:
                        at[pipe] = waiting.popleft()
                        pipe.send(at[pipe])
                yield task, piece
    except (EOFError, OSError) as error:
        raise StorageFailed(
            "A process that reads WARC files ended by itself.", "Run it again: it goes on where it was, or use one worker."
        ) from error
