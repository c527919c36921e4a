"""Rewrites the manifests of streamed media for browsers that play them without a script's help."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archiver.markup.manifest import scan_dash, scan_hls
from archiver.markup.slots import Slot
from replay.rewrite.byteview import TransparentView
from replay.rewrite.context import RewriteContext
from replay.rewrite.sniff import Kind
from replay.rewrite.splice import Splicer
from replay.rewrite.urls import absolute, archive_address, is_address

#: A variable that only the player knows, as joining leaves it.
_VARIABLE = re.compile(r"%7B(\$[A-Za-z0-9_-]+)%7D")


class ManifestRewriter:
    """Bytes of a manifest in, bytes with archive addresses out; the whole manifest is held.

    Args:
        context: where it is replayed.
        kind: HLS or DASH.
    """

    def __init__(self, context: RewriteContext, kind: Kind) -> None:
        self._context = context
        self._kind = kind
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Nothing yet."""
        self._pieces.append(data)
        return b""

    def flush(self) -> bytes:
        """The manifest."""
        context, view, splicer = self._context, TransparentView("utf-8"), Splicer()
        text = view.decode(b"".join(self._pieces))
        splicer.feed(text)
        for slot in self._slots(text):
            url = absolute(context.url, slot.value)
            # What begins with a variable may be anything, and is led into the archive when it is asked for.
            if url is not None and not is_address(context, slot.value) and not slot.value.startswith("{$"):
                address = _VARIABLE.sub(r"{\1}", archive_address(context, url, "oe"))
                splicer.replace(slot.start, slot.end, slot.encode(address))
        return view.encode(splicer.rest())

    def _slots(self, text: str) -> Iterator[Slot]:
        if self._kind is Kind.DASH:
            return scan_dash(text, charset="utf-8")
        return scan_hls(text, url=self._context.url, charset="utf-8")
