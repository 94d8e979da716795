"""How a process keeps its memory small however long it works: by few arenas, and by giving back what is free.

The C library gives every thread an arena of its own, up to eight a core, and keeps what work left free in
each. With some thirty threads, whose work is large now and small then, a worker grew for months so.
"""

import ctypes

_ARENAS_AT_MOST = -8
"""glibc's name of that setting (M_ARENA_MAX in malloc.h)."""
_ARENAS = 2


def use_few_arenas() -> None:
    """Have the threads begun from here on share two arenas; of no effect where the C library is another one.

    Their own code runs in turns anyhow, so they hardly ever wait for each other's.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_ARENAS_AT_MOST, _ARENAS)


def give_back() -> None:
    """Return what is free to the system; of no effect where the C library does not tell how."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
