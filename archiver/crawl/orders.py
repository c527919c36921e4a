"""What the user wants of a worker, by signal or by the crawl's row: go on, pause, end."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from archiver.crawl.control import CrawlControl
from archiver.crawl.entries import Control
from archiver.crawl.equipment import Equipment
from archiver.crawl.plan import CrawlPlan
from archiver.crawl.scheduler import Scheduler
from archiver.engine import StopSignal

#: After the first interrupt, requests on their way get this long to end.
FINISH_SECONDS = 10.0


class Orders:
    """Keeps to what the user wants; for one thread.

    Args:
        control: of the crawl.
        crawl_id: which crawl.
        equipment: logs in anew after a pause; its folder is watched.
        scheduler: its queues leave when nothing more is begun.
        stop: how the user ends this process.
        monotonic: seconds that never go backwards.

    Attributes:
        halted: why nothing more is begun for now; "" while it is.
    """

    def __init__(
        self,
        control: CrawlControl,
        crawl_id: int,
        *,
        equipment: Equipment,
        scheduler: Scheduler,
        stop: StopSignal,
        monotonic: Callable[[], float],
    ) -> None:
        self.halted = ""
        self._control = control
        self._crawl = crawl_id
        self._equipment = equipment
        self._scheduler = scheduler
        self._stop = stop
        self._monotonic = monotonic
        self._finish_by: float | None = None
        self._is_told_to_end = False

    @property
    def is_ending(self) -> bool:
        """Whether nothing new is to be begun, because somebody said so or the crawl has ended."""
        return self._is_told_to_end or self._stop.finish.is_set()

    @property
    def is_running(self) -> bool:
        """Whether nobody has said that nothing new is to be begun."""
        return not self.halted and not self.is_ending

    def heed_stop(self) -> None:
        """After the first interrupt, requests on their way may end; after some seconds they are cut."""
        if self.is_ending:
            self._scheduler.release_all()
            if self._finish_by is None:
                self._finish_by = self._monotonic() + FINISH_SECONDS
            elif self._monotonic() >= self._finish_by:
                self._stop.abort.set()

    def heed(self, control: Control, plan: CrawlPlan) -> None:
        """Do what the user wants, told from anywhere.

        Args:
            control: what the crawl's row says.
            plan: as it is now.

        Raises:
            UsageError: the crawl is to go on, and a file of its login cannot be read or used.
        """
        if control.wanted == "stop" or control.state == "finished":
            self._is_told_to_end = True
        elif control.wanted == "pause" and not self.halted:
            self._halt("it was paused")
        elif control.wanted == "run" and self.halted:
            self.halted = ""
            self._equipment.log_in(plan)
            self._control.set_state(self._crawl, "running")

    def pause(self, why: str) -> None:
        """Pause the crawl, all its workers, and say why."""
        if not self.halted:
            self._control.want(self._crawl, "pause")
            self._halt(why)

    def guard_disk(self, least: int) -> None:
        """Pause before the disk is full: when fewer than `least` bytes are free; 0 for no guard."""
        if least and not self.halted and shutil.disk_usage(self._equipment.folder).free < least:
            self.pause(f"less than {least / 1e6:,.0f} MB are free on the disk; free some, then resume the crawl")

    def _halt(self, why: str) -> None:
        """Begin nothing more until the user says so."""
        self.halted = why
        self._scheduler.release_all()
        self._control.set_state(self._crawl, "paused", why)
