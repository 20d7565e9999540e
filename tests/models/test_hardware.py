"""Hardware: what the system tells, and what to say where PyTorch does not use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codeassist.models import hardware
from codeassist.models.hardware import Gpu, TorchBuild, cpu_extensions, detect, nvidia_gpu, torch_problem


def test_detect_finds_this_machine_without_importing_torch() -> None:
    program = (
        "import sys; from codeassist.models.hardware import detect; d = detect(); "
        "print(d.num_cores, 'torch' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert int(printed[0]) >= 1
    assert printed[1] == "False"
    assert detect().ram_bytes > 0


def test_extensions_are_read_from_cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cpuinfo"
    monkeypatch.setattr(hardware, "_CPUINFO", file)
    file.write_text("processor : 0\nflags\t\t: fpu sse2 avx2 avx512f avx512_vnni\n")
    assert cpu_extensions() == ("AVX2", "AVX-512", "AVX-512 VNNI")
    file.write_text("processor : 0\nFeatures\t: fp asimd asimddp\n")
    assert cpu_extensions() == ("NEON", "NEON dot product")
    file.write_text("nothing\n")
    assert cpu_extensions() == ()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'NVIDIA H100 80GB HBM3, 81559'", Gpu("NVIDIA H100 80GB HBM3", 81559 << 20)),
        ("exit 9", None),
        ("echo 'No devices were found'", None),
        ("true", None),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_the_gpu_is_asked_of_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, expected: Gpu | None
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_gpu() == expected


def test_a_gpu_that_torch_cannot_use_is_a_problem_with_a_way_out() -> None:
    gpu = Gpu("RTX", 8 << 30)
    assert torch_problem(None, TorchBuild("2.9", None, False)) is None
    assert torch_problem(gpu, TorchBuild("2.9", "12.8", True)) is None
    assert "CPU build" in str(torch_problem(gpu, TorchBuild("2.9+cpu", None, False)))
    assert "update the NVIDIA driver" in str(torch_problem(gpu, TorchBuild("2.9", "12.8", False)))
    assert "not installed" in str(torch_problem(None, None))
