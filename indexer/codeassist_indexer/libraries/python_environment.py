"""The Python environment of a repository, found as jedi and editors find it: by folders and names, no Python is run.

The one that is activated, one in the repository, else the one that poetry, pipenv, pyenv or conda keep for it
elsewhere; without any, what is installed for all of the user's programs.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs

from codeassist.regular_file import open_regular
from codeassist_indexer.libraries.source_files import may_be_read

_IN_REPOSITORY = (".venv", "venv", "env", ".env")
_MOST_ENTRIES = 2_000  # of a repository's own folder, looked at for a `pyvenv.cfg`
_MOST_BYTES = 1 << 20
_CONDA_NAME = re.compile(r"^name:[ \t]*[\"']?([\w.-]+)", re.MULTILINE)


def site_packages_of(root: Path, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders of installed packages that the repository at `root` uses; none where no environment is found.

    A folder of the repository that is a link out of it does not count: what is returned may be read.
    """
    for environment in _environments(root, environ):
        found = [path for path in _site_packages(environment) if may_be_read(root, path)]
        if found:
            return found
    return []


def system_packages(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders of what is installed without an environment, of the newest Python first."""
    home = _home(environ)
    bases = [*([home / ".local"] if home is not None else []), Path("/usr/local"), Path("/usr")]
    folders = [base for base in bases if base.is_dir()]
    patterns = ("lib/python3*/site-packages", "lib/python3*/dist-packages")
    return [path for folder in folders for pattern in patterns for path in _newest_first(folder, pattern)]


def _environments(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the environments that may be the repository's, the likeliest first; not all of them are there."""
    active = environ.get("VIRTUAL_ENV") or ""
    conda = environ.get("CONDA_PREFIX") or ""
    is_base = environ.get("CONDA_DEFAULT_ENV") == "base"  # active in every shell: nobody chose it
    if active and not _is_our_own(Path(active)):
        yield Path(active)
    if conda and not is_base:
        yield Path(conda)
    if named := environ.get("UV_PROJECT_ENVIRONMENT"):
        yield root / named
    for name in _IN_REPOSITORY:
        yield root / name
    yield from _with_configuration(root)
    yield from _kept_elsewhere(root, environ)
    if active:
        yield Path(active)
    if conda:
        yield Path(conda)


def _kept_elsewhere(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield what tools keep for the repository outside of it: they name it by a digest of its path, or it names one."""
    home = _home(environ)
    real = os.path.normcase(os.path.realpath(root))
    poetry = environ.get("POETRY_VIRTUALENVS_PATH")
    cache = environ.get("POETRY_CACHE_DIR") or platformdirs.user_cache_path("pypoetry", appauthor=False)
    yield from _newest_first(Path(poetry or Path(cache) / "virtualenvs"), f"*-{_digest(real, 32)[:8]}-py3*")
    if home is None:
        return
    if (root / "Pipfile").is_file():
        shelf = Path(environ.get("WORKON_HOME") or home / ".local" / "share" / "virtualenvs")
        yield from _newest_first(shelf, f"*-{_digest(str(Path(real, 'Pipfile')), 6)}")
    version = _text(root / ".python-version").strip()
    if re.fullmatch(r"[\w.-]+", version):
        named = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions" / version
        if (named / "pyvenv.cfg").is_file():
            yield named
    for file in ("environment.yml", "environment.yaml"):
        conda = _CONDA_NAME.search(_text(root / file))
        for line in _text(home / ".conda" / "environments.txt").splitlines() if conda is not None else ():
            if conda is not None and Path(line).name == conda[1]:
                yield Path(line)


def _with_configuration(root: Path) -> Iterator[Path]:
    """Yield the folders of the repository that say that they are environments."""
    try:
        with os.scandir(root) as scan:
            names = [entry.name for entry, _ in zip(scan, range(_MOST_ENTRIES), strict=False)]
    except OSError:
        return
    yield from (root / name for name in sorted(names) if (root / name / "pyvenv.cfg").is_file())


def _site_packages(environment: Path) -> list[Path]:
    found = _newest_first(environment, "lib/python3*/site-packages")
    return found or [path for path in (environment / "Lib" / "site-packages",) if path.is_dir()]


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    try:
        found = [path for path in folder.glob(pattern) if path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.as_posix())], reverse=True)


def _is_our_own(environment: Path) -> bool:
    """Whether this program runs from it: who activates that to start an editor need not mean it for the project."""
    return os.path.realpath(environment) == os.path.realpath(sys.prefix)


def _digest(text: str, num_bytes: int) -> str:
    whole = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(whole[:num_bytes]).decode()


def _home(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    return Path(named) if named else None


def _text(path: Path) -> str:
    """Return the text of a small file; "" where there is none that can be read."""
    try:
        with open_regular(path) as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
