"""Modules of Go in the module cache, in vendor/, and beside the repository, as an import finds them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from codeassist_indexer.libraries.go_modules import GoInstallation, module_cache
from tests.indexer.libraries.neighbours import Opened, write

GIN = {
    "go.mod": "module github.com/Acme/gin\n",
    "gin.go": """package gin

// Engine is the framework's instance. It has more to it.
type Engine struct {
	RouterGroup
	UseH2C bool
	hidden int
}

// Default returns an Engine with the logger attached.
func Default(opts ...OptionFunc) *Engine { return nil }

func unexported() {}
""",
    "methods.go": """package gin

// Run attaches the router to a server.
func (engine *Engine) Run(addr ...string) (err error) { return }
""",
    "gin_test.go": "package gin\n\nfunc TestNothing() {}\n",
    "binding/binding.go": "package binding\n\n// Bind reads a request.\nfunc Bind(target any) error { return nil }\n",
    "internal/deep.go": "package internal\n\nfunc Deep() {}\n",
    "own/go.mod": "module github.com/Acme/gin/own\n",
    "own/own.go": "package own\n\nfunc OfAnother() {}\n",
}
GO_MOD = """module example.com/app // the app

go 1.22

require github.com/Acme/gin v1.9.1

require (
	gopkg.in/yaml.v3 v3.0.1 // indirect
	example.com/near v0.0.0
	example.com/forked v1.0.0
	example.com/absent v1.2.3
)

replace example.com/near => ../near

replace example.com/forked v1.0.0 => github.com/us/forked v1.0.1-fix
"""
MAIN = """package main

import (
	"fmt"

	"github.com/Acme/gin"
	"github.com/Acme/gin/binding"
	"gopkg.in/yaml.v3"
	"example.com/near/deep"
	"example.com/forked"
	"example.com/absent"
	"example.com/app/tools"
)

func main() {
	"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "modules"
    monkeypatch.setenv("GOMODCACHE", str(folder))
    write(folder / "github.com/!acme/gin@v1.9.1", GIN)
    write(folder / "github.com/!acme/gin@v1.0.0", {"gin.go": "package gin\n\nfunc Default(old int) {}\n"})
    write(
        folder / "gopkg.in/yaml.v3@v3.0.1", {"yaml.go": "package yaml\n\nfunc Unmarshal(in []byte, out any) error {}\n"}
    )
    write(folder / "github.com/us/forked@v1.0.1-fix", {"f.go": "package forked\n\nfunc Ours() {}\n"})
    return folder


def test_what_a_file_imports_is_found_in_the_version_that_go_mod_requires(cache: Path, tmp_path: Path) -> None:
    near = Opened(
        tmp_path / "near", {"go.mod": "module example.com/near\n", "deep/d.go": "package deep\n\nfunc Down() {}\n"}
    )
    own = {
        "tools/t.go": "package tools\n\nfunc Sharpen() {}\n",
        "other/tools/t.go": "package tools\n\nfunc Wrong() {}\n",
    }
    app = Opened(tmp_path / "app", {"go.mod": GO_MOD, "main.go": MAIN, **own})
    assert app.update() and not app.update()
    assert sorted(app.labels()) == [
        "example.com/forked v1.0.1-fix", "github.com/Acme/gin v1.9.1", "gopkg.in/yaml.v3 v3.0.1", near.root.name,
    ]  # fmt: skip
    text = "gin.Default(); binding.Bind(1); yaml.Unmarshal(2); deep.Down(); forked.Ours(); tools.Sharpen(); "
    shown = app.shown("main.go", MAIN + text)
    gin = "github.com/Acme/gin v1.9.1"
    head = "// Default returns an Engine with the logger attached.\nfunc Default(opts ...OptionFunc) *Engine;\n"
    assert shown["Default"] == (gin, "gin.go", head)
    assert shown["Bind"][:2] == (gin, "binding/binding.go")
    assert shown["Unmarshal"][0] == "gopkg.in/yaml.v3 v3.0.1"
    assert shown["Down"][:2] == ("near", "deep/d.go")
    assert shown["Ours"][0] == "example.com/forked v1.0.1-fix"
    assert shown["Sharpen"][:2] == ("", "tools/t.go"), "the repository's own, by its module's name"
    assert "Wrong" not in shown


def test_importers_are_shown_what_is_exported(cache: Path, tmp_path: Path) -> None:
    app = Opened(tmp_path / "app", {"go.mod": GO_MOD, "main.go": MAIN})
    app.update()
    [package] = GoInstallation(app.root).packages(["github.com/Acme/gin/binding"])
    assert set(package.files) == {"gin.go", "methods.go", "binding/binding.go"}
    shown = app.shown("main.go", f"{MAIN}var e gin.Engine\n\te := gin.Engine{{}}\n\tgin.")
    assert "UseH2C bool" in shown["Engine"][2] and "hidden" not in shown["Engine"][2]
    listed = next(text for name, (_, _, text) in shown.items() if name == "github.com/Acme/gin")
    assert "Engine" in listed and "Default" in listed and "unexported" not in listed


def test_the_type_of_what_stands_before_a_dot_is_known(cache: Path, tmp_path: Path) -> None:
    app = Opened(tmp_path / "app", {"go.mod": GO_MOD, "main.go": MAIN})
    app.update()
    for made in ("r := gin.Default()", "r, err := gin.Default()", "var r = &gin.Engine{}", "r := gin.Engine{}"):
        shown = app.shown("main.go", f"{MAIN}{made}\n\tr.Run(")
        assert shown["Engine.Run"][1] == "methods.go", "a method in another file of its package"
        assert "Engine has UseH2C, Run" in app.shown("main.go", f"{MAIN}{made}\n\tr.")["Engine"][2]
    assert "Engine.Run" not in app.shown("main.go", f"{MAIN}r, err := gin.Default()\n\terr.Run(")


def test_vendored_modules_come_before_the_cache(cache: Path, tmp_path: Path) -> None:
    vendor = {
        "vendor/modules.txt": "# github.com/Acme/gin v1.9.2\n## explicit\ngithub.com/Acme/gin\n# ../../evil v1.0.0\n",
        "vendor/github.com/Acme/gin/gin.go": "package gin\n\nfunc Vendored() {}\n",
    }
    app = Opened(tmp_path / "app", {"go.mod": GO_MOD, "main.go": MAIN, **vendor})
    app.update()
    assert "github.com/Acme/gin v1.9.2" in app.labels()
    assert "Vendored" in app.shown("main.go", f"{MAIN}gin.Vendored(")


def test_modules_of_a_workspace_are_found_beside_each_other(cache: Path, tmp_path: Path) -> None:
    work = 'go 1.22\n\nuse (\n\t./app\n\t"../lib"\n)\n'
    app = {"app/go.mod": "module example.com/app\n", "app/main.go": 'package main\n\nimport "example.com/lib/v2/x"\n'}
    Opened(tmp_path / "lib", {"go.mod": "module example.com/lib/v2\n", "x/x.go": "package x\n\nfunc Near() {}\n"})
    opened = Opened(tmp_path / "mono", {"go.work": work, **app})
    opened.update()
    assert opened.shown("app/main.go", f"{app['app/main.go']}\nvar a = x.Near(")["Near"][:2] == ("lib", "x/x.go")


def test_a_module_that_comes_into_the_cache_is_noticed(cache: Path, tmp_path: Path) -> None:
    app = Opened(tmp_path / "app", {"go.mod": GO_MOD, "main.go": MAIN})
    app.update()
    write(cache / "example.com/absent@v1.2.3", {"a.go": "package absent\n\nfunc Here() {}\n"})
    assert app.update() and "example.com/absent v1.2.3" in app.labels()


@pytest.mark.parametrize(
    "line",
    [
        "require ../../secret v1.0.0", "require a.b/../../../secret v1.0.0", "require secret.org v1.0.0/../../secret",
        "require secret.org ../../secret", 'require "secret.org" "v1"', "require secret.org v1.0.0\x00",
    ],
)  # fmt: skip
def test_no_manifest_leads_out_of_the_cache(cache: Path, tmp_path: Path, line: str) -> None:
    write(tmp_path / "secret", {"s.go": "package secret\n\nfunc Stolen() {}\n"})
    root = tmp_path / "app"
    write(root, {"go.mod": f"module example.com/app\n{line}\n"})
    modules = ["secret.org", "../../secret", "a.b/../../../secret", "secret.org/../../../secret"]
    assert list(GoInstallation(root).packages(modules)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_are_not_followed(cache: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret", {"s.go": "package secret\n\nfunc Stolen() {}\n"})
    (cache / "github.com/!acme/gin@v1.9.1/link").symlink_to(tmp_path / "secret")
    (cache / "github.com/!acme/gin@v1.9.1/link.go").symlink_to(tmp_path / "secret" / "s.go")
    root = tmp_path / "app"
    write(root, {"go.mod": "module example.com/app\nrequire secret.org v1.0.0\n", "main.go": MAIN,
                 "vendor/modules.txt": "# secret.org v1.0.0\n"})  # fmt: skip
    (root / "vendor" / "secret.org").symlink_to(tmp_path / "secret")
    assert list(GoInstallation(root).packages(["secret.org"])) == []
    (root / "go.mod").write_text(GO_MOD)
    app = Opened(root, {})
    app.update()
    assert "Stolen" not in app.shown("main.go", f"{MAIN}gin.Stolen(")


@pytest.mark.parametrize(
    ("environ", "kept", "expected"),
    [
        ({"GOMODCACHE": "/a/mod"}, "", "/a/mod"),
        ({"GOPATH": "/b:/c"}, "", "/b/pkg/mod"),
        ({}, "GOPATH=/d\nGOFLAGS=-x\n", "/d/pkg/mod"),
        ({}, "GOMODCACHE=/e\n", "/e"),
        ({}, "", "HOME/go/pkg/mod"),
        ({"GOPATH": "relative"}, "", None),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="other paths")
def test_the_cache_is_where_go_keeps_it(
    tmp_path: Path, environ: dict[str, str], kept: str, expected: str | None
) -> None:
    write(tmp_path, {".config/go/env": kept})
    found = module_cache({"HOME": str(tmp_path), **environ})
    assert found == (None if expected is None else Path(expected.replace("HOME", str(tmp_path))))
