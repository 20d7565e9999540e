"""Projects beside a repository of C# or Python: which are asked, by which of its files, and which never are."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist_indexer.libraries import python_packages
from codeassist_indexer.libraries.dotnet_projects import DotnetInstallation
from codeassist_indexer.libraries.python_projects import projects_named
from tests.indexer.libraries.neighbours import Opened, write

LIB = {
    "Core/Core.csproj": "<Project />",
    "Core/Anywhere/Client.cs": """namespace Acme.Http;

/// <summary>Sends requests.</summary>
public class Client
{
    public Reply SendRequest(string url, int timeout) => null;
    private int hidden;
}
""",
    "Core/Text/Json.cs": "namespace Elsewhere { public class Unrelated { } }\n",
}
USE = (
    "using System.Text;\nusing Acme.Http;\n\nclass Main\n{\n    void Run()\n    {\n        Client client; Unrelated u;"
)
REFERENCES = {
    "csproj": {"App.csproj": '<Project><ProjectReference Include="..\\lib\\Core\\Core.csproj" /></Project>'},
    "sln": {"All.sln": 'Project("{9A19103F}") = "Core", "..\\lib\\Core\\Core.csproj", "{6EC3EE1D}"\nEndProject\n'},
    "slnx": {"All.slnx": '<Solution>\n  <Project Path="../lib/Core/Core.csproj" />\n</Solution>\n'},
    "props": {
        "Directory.Build.props": "<Project><ProjectReference C='a' Include='../lib/Core/Core.csproj'/></Project>"
    },
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_project_that_is_referred_to_is_asked_by_its_namespace(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "lib", LIB)
    app = Opened(tmp_path / "app", {**REFERENCES[kind], "Main.cs": USE})
    app.update()
    assert app.labels() == [], "nobody has opened it"
    Opened(tmp_path / "lib", {})
    app.update()
    shown = app.shown("Main.cs", USE)
    label, path, text = shown["Acme.Http.Client"]
    assert (label, path) == ("lib", "Core/Anywhere/Client.cs")
    assert "public Reply SendRequest(string url, int timeout)" in text and "hidden" not in text
    assert "Elsewhere.Unrelated" not in shown, "a folder's name is no namespace"


def test_an_open_folder_is_asked_without_a_reference(tmp_path: Path) -> None:
    lib = Opened(tmp_path / "lib", LIB)
    app = Opened(tmp_path / "app", {"Main.cs": USE})
    assert not app.update() and app.update([lib.root]) and app.labels() == ["lib"]


@pytest.mark.parametrize(
    "path", ["..\\x.csproj", "/x.csproj", "..\\..\\..\\x.csproj", "\x00.csproj", "../lib", "x" * 200_000]
)
def test_a_reference_makes_no_more_readable(tmp_path: Path, path: str) -> None:
    Opened(tmp_path / "home", LIB, tmp_path / "cache")
    said = f'<ProjectReference Include="{path}"/>' + "<ProjectReference " * 2_000
    app = Opened(tmp_path / "home" / "app", {"A.csproj": said, "Main.cs": USE}, tmp_path / "cache")
    app.update()
    assert app.labels() == [] and list(DotnetInstallation(app.root).packages(["Acme.Http"])) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.uv.sources]\nlib = { path = "../lib", editable = true }\n'),
        ("pyproject.toml", '[tool.uv.sources]\nlib = [{ path = "../lib", marker = "a" }]\n'),
        ("pyproject.toml", '[tool.uv.workspace]\nmembers = ["../lib"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nlib = { path = "../lib", develop = true }\n'),
        ("pyproject.toml", '[tool.poetry.group.dev.dependencies]\nlib = { path = "../lib/" }\n'),
        ("pyproject.toml", '[project]\ndependencies = ["lib @ file:../lib"]\n'),
        ("sub/pyproject.toml", '[tool.uv.sources]\nlib = { path = "../../lib" }\n'),
        ("Pipfile", '[packages]\nlib = { path = "./../lib", editable = true }\n'),
        ("requirements.txt", "numpy\n-e ../lib[extra]  # ours\n"),
        ("requirements.txt", "../lib\n"),
    ],
)
def test_paths_in_manifests_of_python(tmp_path: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_packages, "system_packages", list)
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(variable, raising=False)
    write(tmp_path / "app", {name: text})
    assert projects_named(tmp_path / "app") == [tmp_path / "lib"]
    Opened(
        tmp_path / "lib", {"src/engine/__init__.py": "class Engine:\n    def start_up(self, speed: int) -> None: ...\n"}
    )
    app = Opened(tmp_path / "app", {"a.py": "from engine import Engine\n"})
    app.update()
    assert app.shown("a.py", "from engine import Engine\nEngine(")["Engine"][:2] == ("lib", "src/engine/__init__.py")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "[tool]\nuv = 3\npoetry = [1]\n",
        "[tool.uv.sources]\na = [1, [2]]\nb = { path = 3 }\n",
        "-e \x00\n../\n",
    ],
)
def test_hostile_manifests_of_python_name_nothing_but_paths(tmp_path: Path, text: str) -> None:
    write(tmp_path / "app", {"pyproject.toml": text, "Pipfile": text, "requirements.txt": text})
    assert all(path == tmp_path for path in projects_named(tmp_path / "app"))
