"""Where a repository's packages lie: each way in which tools keep an environment, and what a stranger may not say."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from pathlib import Path

import pytest

from codeassist_indexer.libraries.python_environment import site_packages_of


def make(environment: Path, python: str = "python3.12") -> Path:
    site_packages = environment / "lib" / python / "site-packages"
    site_packages.mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return site_packages


def digest(path: Path, num_bytes: int) -> str:
    whole = hashlib.sha256(os.path.normcase(os.path.realpath(path)).encode()).digest()
    return base64.urlsafe_b64encode(whole[:num_bytes]).decode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def found(root: Path, **environ: str) -> list[Path]:
    return site_packages_of(
        root, {"HOME": str(root.parent / "home"), "USERPROFILE": str(root.parent / "home")} | environ
    )


def test_the_active_environment_comes_before_the_repositorys_own(root: Path, tmp_path: Path) -> None:
    own, active = make(root / ".venv"), make(tmp_path / "active")
    assert found(root) == [own]
    assert found(root, VIRTUAL_ENV=str(tmp_path / "active")) == [active]
    assert found(root, CONDA_PREFIX=str(tmp_path / "active")) == [active]
    assert found(root, CONDA_PREFIX=str(tmp_path / "active"), CONDA_DEFAULT_ENV="base") == [own]


def test_the_environment_of_this_program_counts_only_where_there_is_no_other(root: Path) -> None:
    assert found(root, VIRTUAL_ENV=sys.prefix)
    own = make(root / "venv")
    assert found(root, VIRTUAL_ENV=sys.prefix) == [own]


def test_any_folder_of_the_repository_that_says_so_is_one(root: Path) -> None:
    site_packages = make(root / "my-environment")
    assert found(root) == [site_packages]


def test_uv_names_its_own(root: Path, tmp_path: Path) -> None:
    site_packages = make(tmp_path / "of-uv")
    assert found(root, UV_PROJECT_ENVIRONMENT=str(tmp_path / "of-uv")) == [site_packages]


def test_poetry_and_pipenv_name_theirs_by_a_digest_of_the_path(root: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    make(shelf / f"project-{digest(root, 32)[:8]}-py3.9", "python3.9")
    newest = make(shelf / f"project-{digest(root, 32)[:8]}-py3.12")
    make(shelf / "project-AAAAAAAA-py3.13")
    assert found(root, POETRY_VIRTUALENVS_PATH=str(shelf)) == [newest]
    (root / "Pipfile").write_text("[packages]\n")
    of_pipenv = make(tmp_path / "pipenv" / f"project-{digest(root / 'Pipfile', 6)}")
    assert found(root, WORKON_HOME=str(tmp_path / "pipenv")) == [of_pipenv]


def test_conda_and_pyenv_are_named_by_the_repository_among_the_users_own(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".conda").mkdir(parents=True)
    of_conda = make(tmp_path / "envs" / "science")
    (home / ".conda" / "environments.txt").write_text(
        f"{tmp_path / 'envs' / 'other'}\n{tmp_path / 'envs' / 'science'}\n"
    )
    (root / "environment.yml").write_text("channels: [x]\nname: science\n")
    assert found(root) == [of_conda]
    of_pyenv = make(home / ".pyenv" / "versions" / "tools")
    (root / ".python-version").write_text("tools\n")
    assert found(root) == [of_pyenv]
    (root / ".python-version").write_text("../../../etc\n")
    assert found(root) == [of_conda]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_out_of_the_repository_is_no_environment(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    make(elsewhere)
    (root / ".venv").symlink_to(elsewhere)
    assert found(root) == []
    assert found(root, VIRTUAL_ENV=str(elsewhere)), "the user's own word is another thing"
