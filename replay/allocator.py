"""How this process asks the system for memory."""

from __future__ import annotations

import ctypes

#: Parameters of glibc's `mallopt` (malloc.h), and their values here, in bytes but for the number of heaps.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_VALUES = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, 4 * 1024 * 1024), (_TRIM_THRESHOLD, 16 * 1024 * 1024))


def reuse_memory() -> None:
    """The room of one large page is kept for the next one, and all threads share one heap.

    By default buffers of that size go back to the system when they are done with, and come anew page fault by page fault,
    which takes a tenth of the time of rewriting; and each thread keeps a heap of its own, with holes of its own. Does
    nothing where the allocator is another one than glibc's.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, value in _VALUES:
            set_option(option, value)
