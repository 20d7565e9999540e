"""A folder full of modules named like those of the standard library and of our dependencies. Each leaves a mark."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

OWN = ("codeassist", "codeassist_indexer", "codeassist_lsp", "codeassist_eval", "sitecustomize", "usercustomize", "pip")
PROGRAMS = ("git", "python", "python3", "nvidia-smi", "ldconfig", "gcc", "latex", "fc-list")


def module_names() -> list[str]:
    """The names of all modules that a process of ours might import."""
    names = set(sys.stdlib_module_names) | set(OWN)
    for requirement in metadata.requires("codeassist-live") or ():
        name = Requirement(requirement).name
        names |= {name.replace("-", "_")}
    for distributions in (metadata.packages_distributions(),):
        names |= set(distributions)
    return sorted(name for name in names if name.isidentifier() and not name.startswith("__"))


def fill(folder: Path, mark: Path) -> None:
    """Write the modules, and programs that are named like those that we start. What is run makes the file `mark`."""
    leave = f"import io\nwith io.open({str(mark)!r}, 'a') as file:\n    file.write(__file__ + '\\n')\n"
    for name in module_names():
        if name in ("pip", "multiprocessing", "encodings"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(leave)
            (folder / name / "__main__.py").write_text(leave)
        else:
            (folder / f"{name}.py").write_text(leave)
    for name in PROGRAMS:
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        program.chmod(0o755)
        (folder / f"{name}.exe").write_bytes(program.read_bytes())
    (folder / "matplotlibrc").write_text("backend: module://codeassist_evil_backend\ntext.usetex: True\n")
    (folder / "codeassist_evil_backend.py").write_text(leave)
    (folder / "pyvenv.cfg").write_text(f"home = {folder}\n")
    (folder / "setup.cfg").write_text("[install]\nprefix = .\n")
    (folder / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/\n")
