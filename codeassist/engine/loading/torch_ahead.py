"""PyTorch brought into memory beside whatever else a process starts with, by a thread of its own.

`import torch` takes as long as the rest of a start together. A third of it is the linker's work on its library, which
needs no lock of Python's when somebody else asks for it; and half a second of both is the garbage collector looking at
what imports have made, none of which is garbage. Knows no model.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import logging
import sys
import threading
from pathlib import Path

log = logging.getLogger(__name__)

# What PyTorch loads itself, in its order and its way: the first with all its names seen by later ones.
_LIBRARIES = (("libtorch_global_deps.so", ctypes.RTLD_GLOBAL), ("libtorch_python.so", ctypes.RTLD_LOCAL))


def import_torch_ahead() -> threading.Thread:
    """Import torch in the background, for a process that will need it; return the thread.

    Until it is imported the garbage collector rests, and what was made by then it does not look at again. What fails
    here fails again, and is told, where torch is used.
    """
    gc.disable()
    thread = threading.Thread(target=_import, name="torch-ahead", daemon=True)
    thread.start()
    return thread


def _import() -> None:
    try:
        _load_libraries()
        import torch  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except (ImportError, OSError) as error:
        log.warning("PyTorch was not loaded ahead: %s", error)
    finally:
        gc.freeze()
        gc.enable()


def _load_libraries() -> None:
    """Have the linker load PyTorch's own library, where its wheels for Linux have it."""
    found = importlib.util.find_spec("torch")
    if sys.platform != "linux" or found is None or found.origin is None:
        return
    folder = Path(found.origin).parent / "lib"
    for name, mode in _LIBRARIES:
        if (folder / name).exists():
            ctypes.CDLL(str(folder / name), mode)
