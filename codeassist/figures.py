"""matplotlib, imported so that no file of the current folder configures it.

matplotlib follows a `matplotlibrc` of the folder that it is imported in; one with `text.usetex` starts LaTeX, and a
`backend` names a module to import.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

with contextlib.chdir(Path(sys.executable).resolve().parent):
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

matplotlib.rcParams["text.parse_math"] = False  # a `$` in a name is a dollar

__all__ = ["Axes", "Figure", "MaxNLocator"]
