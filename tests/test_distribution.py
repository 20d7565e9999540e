"""What users install: one version everywhere, and a wheel, built from the sdist, that brings everything it needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from pathlib import Path

import pytest

import codeassist

ROOT = Path(__file__).parents[1]
# Loads everything that is no Python file, by the program's own code.
LOAD = """
import codeassist, codeassist_eval, codeassist_lsp
from codeassist.cli.completion.recorded_demo import recorded_demo
from codeassist.cli.dashboard.page_server import PageServer
from codeassist_indexer.retrieval.ranking.ranker import load_ranker
from codeassist_indexer.retrieval.vectors.static_encoder import load_encoder
assert load_ranker() is not None and load_encoder() is not None
PageServer(dict, print).close()
recorded_demo()
print(codeassist.__file__)
"""


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "codeassist.__version__"}
    for name in ("package.json", "package-lock.json"):
        manifest = json.loads((ROOT / "editor-plugins" / "vscode" / name).read_text(encoding="utf-8"))
        assert manifest["version"] == codeassist.__version__, name
        assert manifest.get("packages", {}).get("", manifest)["version"] == codeassist.__version__, name
    versions = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == "Unreleased" and codeassist.__version__ in versions


@pytest.mark.slow
def test_a_wheel_built_from_the_sdist_has_the_program_and_its_weights(tmp_path: Path) -> None:
    """Nothing is fetched: what the wheel depends on is found in the environment of the tests."""
    checkout, unpacked = tmp_path / "checkout", tmp_path / "unpacked"
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    for file in filter(None, listed.split("\0")):
        if (ROOT / file).is_file():  # one that was just removed is still listed
            (checkout / file).parent.mkdir(parents=True, exist_ok=True)
            (checkout / file).write_bytes((ROOT / file).read_bytes())
    build = "import sys, setuptools.build_meta as backend; backend.{0}(sys.argv[1])"
    run([sys.executable, "-c", build.format("build_sdist"), str(tmp_path)], checkout)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    for needed in ("Makefile", "constraints.txt", "CONTRIBUTING.md", "docs/architecture.md", "tests/tiny_models.py"):
        assert (source / needed).is_file(), needed
    run([sys.executable, "-c", build.format("build_wheel"), str(tmp_path)], source)
    (wheel,) = tmp_path.glob("*.whl")

    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)])
    # As a line of a .pth file a folder is only looked in: the editable install there has no say.
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    said = run([str(environment / "bin" / "codeassist"), "--version"], tmp_path)
    assert said == f"codeassist, version {codeassist.__version__}\n"
    assert Path(run([str(python), "-I", "-c", LOAD], tmp_path).strip()).is_relative_to(packages)
    pages = json.loads(run([str(environment / "bin" / "codeassist"), "docs", "--json"], tmp_path))["pages"]
    assert {page["name"] for page in pages} == {path.stem for path in (ROOT / "docs").glob("*.md")}
    linked = re.findall(r"\]\(([\w/.-]+)", Path(pages[0]["path"]).read_text(encoding="utf-8"))
    assert all((Path(pages[0]["path"]).parent / target).is_file() for target in linked), linked


def run(command: list[str], folder: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout
