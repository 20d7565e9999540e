"""What this machine has: cores, memory, processor extensions, a GPU, and the kind of PyTorch build.

torch is imported only where its answer is asked for.
"""

from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from codeassist.errors import ModelError
from codeassist.models.speed import Speed, measured
from codeassist.processes import child_folder, find_program

_CPUINFO = Path("/proc/cpuinfo")
# The extensions that the engine's kernels profit from, as Linux names them.
_EXTENSIONS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX",
    "asimd": "NEON",
    "asimddp": "NEON dot product",
    "i8mm": "NEON int8",
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU. `memory_bytes` is all of it, used or not."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """What decides which model this machine can run. `speed` None: not measured, as it need not be with a GPU."""

    num_cores: int  # physical
    ram_bytes: int
    cpu_extensions: tuple[str, ...]
    gpu: Gpu | None
    speed: Speed | None = None


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """The installed PyTorch. `cuda` is the version that it was built for, None for a CPU build."""

    version: str
    cuda: str | None
    sees_gpu: bool


def detect(cache: Path | None = None, *, again: bool = False) -> Hardware:
    """Look at the machine; fast, and without torch.

    With a cache folder its processor's speed is known too: as measured before, or (`again`) now, unless a GPU is there.
    """
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    gpu = nvidia_gpu()
    speed = measured(cache, again=again) if cache is not None and gpu is None else None
    return Hardware(cores, psutil.virtual_memory().total, cpu_extensions(), gpu, speed)


def cpu_extensions() -> tuple[str, ...]:
    """Return the processor's extensions that matter, in words; empty where the system does not tell."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ("NEON",) if platform.machine() in {"arm64", "aarch64"} else ()
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), ())
    return tuple(name for flag, name in _EXTENSIONS.items() if flag in flags)


def nvidia_gpu() -> Gpu | None:
    """Ask the driver for the first NVIDIA GPU, whatever PyTorch is installed."""
    program = find_program("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            cwd=child_folder(command),
        )
        name, _, mebibytes = run.stdout.splitlines()[0].rpartition(",")
        return Gpu(name.strip(), int(mebibytes) << 20)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def require_torch() -> None:
    """Raise ModelError, with what to do, where PyTorch is not installed. It is not imported."""
    if importlib.util.find_spec("torch") is None:
        raise ModelError(_no_torch())


def torch_build() -> TorchBuild | None:
    """Import torch and ask it; None if it is not installed. Raises ModelError for one that cannot be imported."""
    if importlib.util.find_spec("torch") is None:
        return None
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of its own is gone
        raise ModelError(
            f"PyTorch cannot be imported ({error}); install it again (`codeassist docs install`)"
        ) from error
    sees_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
    return TorchBuild(torch.__version__, torch.version.cuda, sees_gpu)


def torch_problem(gpu: Gpu | None, build: TorchBuild | None) -> str | None:
    """Say in one line what keeps PyTorch from using this machine, and what to do; None if nothing does."""
    if build is None:
        return _no_torch()
    if gpu is None or build.sees_gpu:
        return None
    if build.cuda is None:
        return (
            f"{gpu.name} is idle: PyTorch {build.version} is a CPU build; install a CUDA build of the same version "
            "(`codeassist docs install` says how)"
        )
    return (
        f"{gpu.name} is idle: PyTorch {build.version} is built for CUDA {build.cuda}, which the driver does not run; "
        "update the NVIDIA driver"
    )


def _no_torch() -> str:
    return f"PyTorch is not installed in {sys.prefix}; `codeassist docs install` says how to install a build"
