"""Install PyTorch into this environment, without gigabytes of CUDA packages on a machine that has no GPU.

Run by the Makefile.

Usage: python tools/install_torch.py [--constraint FILE] [--index-url URL]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]


def main() -> int:
    """Install; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--constraint", type=Path)
    parser.add_argument("--index-url", default="", help="the package index of the build you want, from PyTorch's page")
    options = parser.parse_args()
    if importlib.util.find_spec("torch"):
        return 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [next(need for need in project["dependencies"] if need.startswith("torch>"))]
    if options.constraint:
        wanted += ["--constraint", str(options.constraint)]
    if options.index_url:
        # Only torch comes from there; what it needs comes from the index that pip is set up for.
        return subprocess.call([*PIP, "--index-url", options.index_url, "--no-deps", *wanted]) or subprocess.call(
            [*PIP, *wanted]
        )
    if shutil.which("nvidia-smi") is None and sys.platform == "linux":
        cuda = cuda_packages(wanted)
        if cuda:
            print(
                f"This machine has no NVIDIA GPU, and pip would fetch {len(cuda)} CUDA packages ({cuda[0]}, …), "
                "several gigabytes.\n"
                "Give the index of the CPU build, the URL that https://pytorch.org/get-started/locally/ shows:\n"
                "  make TORCH_INDEX=URL demo\n"
                "or install torch into .venv yourself and run make again.",
                file=sys.stderr,
            )
            return 1
    return subprocess.call([*PIP, *wanted])


def cuda_packages(wanted: list[str]) -> list[str]:
    """Names of the CUDA packages that pip would install for torch. Nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [*PIP, "--dry-run", "--ignore-installed", "--report", str(report), *wanted]
        if subprocess.call(command):
            raise SystemExit("pip cannot find torch; see its message above")
        packages = json.loads(report.read_text(encoding="utf-8"))["install"]
    names = [package["metadata"]["name"].lower() for package in packages]
    return sorted(name for name in names if name.startswith(("nvidia-", "cuda-")))


if __name__ == "__main__":
    sys.exit(main())
