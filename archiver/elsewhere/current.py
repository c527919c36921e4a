"""The other archives that are asked, as the settings name them at this moment."""

from __future__ import annotations

from threading import Lock

from archiver.elsewhere.archives import parse_archives
from archiver.elsewhere.asking import OtherArchives, fetcher_for
from archiver.holdings import Holdings
from archiver.settings import Settings


class AskedArchives:
    """Has the archives of the settings; what they said is forgotten when the settings about them change.

    Args:
        holdings: the opened archive.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._lock = Lock()
        settings = holdings.settings
        self._asked_with = _about(settings)
        self._made = _made(settings)

    def current(self) -> OtherArchives:
        """Those of now."""
        settings = self._holdings.settings
        if _about(settings) == self._asked_with:
            return self._made
        with self._lock:
            if (about := _about(settings)) != self._asked_with:
                # The ones before are not closed: somebody may be asking them. They end with the last who does.
                self._made, self._asked_with = _made(settings), about
            return self._made

    def close(self) -> None:
        """Ask nobody any more."""
        self._made.close()


def _about(settings: Settings) -> tuple[object, ...]:
    return settings.other_archives, settings.user_agent, settings.allow_private, settings.verify_tls


def _made(settings: Settings) -> OtherArchives:
    return OtherArchives(parse_archives(settings.other_archives), fetcher_for(settings))
