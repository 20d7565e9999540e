"""What of node_modules declares types for an import, and which links count."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from codeassist_indexer.libraries.node_packages import NodeInstallation
from codeassist_indexer.libraries.package import InstalledPackage


def install(folder: Path, said: Mapping[str, Any], *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("export declare function f(): void;\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(said))


def only(root: Path, module: str) -> InstalledPackage:
    [found] = NodeInstallation(root).packages([module])
    return found


EXPORTS = {
    ".": {"import": {"types": "./dist/index.d.mts", "default": "./dist/index.mjs"}, "require": "./dist/index.cjs"},
    "./sub": {"default": "./dist/sub/index.js"},
    "./deep/*": {"types": "./dist/deep/*.d.ts"},
    "./none": "./dist/none.js",
}


@pytest.mark.parametrize(
    ("said", "files", "entries"),
    [
        ({"exports": EXPORTS}, ("dist/index.d.mts", "dist/index.d.ts", "dist/sub/index.d.ts", "dist/deep/a.d.ts"),
         {".": "kit/dist/index.d.mts", "./sub": "kit/dist/sub/index.d.ts", "./deep/*": "kit/dist/deep/*.d.ts"}),
        ({"types": "lib/main.d.ts", "main": "lib/other.js"}, ("lib/main.d.ts",), {".": "kit/lib/main.d.ts"}),
        ({"typings": "./lib/main"}, ("lib/main.d.ts",), {".": "kit/lib/main.d.ts"}),
        ({"main": "lib/main.js"}, ("lib/main.d.ts",), {".": "kit/lib/main.d.ts"}),
        ({"exports": {"types": "./a.d.ts"}}, ("a.d.ts",), {".": "kit/a.d.ts"}),
        ({"exports": ["./a.js", "./b.js"]}, ("b.d.ts",), {".": "kit/b.d.ts"}),
        ({}, ("index.d.ts", "node_modules/other/index.d.ts"), {".": "kit/index.d.ts"}),
        ({"exports": 3, "types": ["x"], "version": {"no": 1}}, ("index.d.ts",), {".": "kit/index.d.ts"}),
    ],
)  # fmt: skip
def test_a_package_says_which_file_an_import_means(
    tmp_path: Path, said: Mapping[str, Any], files: tuple[str, ...], entries: dict[str, str]
) -> None:
    install(tmp_path / "node_modules" / "kit", {"version": "1.2.3"} | dict(said), *files)
    found = only(tmp_path, "kit/sub")
    assert dict(found.entries) == entries and found.modules == ("kit",)
    assert set(found.files) == {f"kit/{path}" for path in files if "node_modules" not in path}
    if "version" not in said:
        assert found.label == "kit 1.2.3"


def test_types_of_others_count_where_a_package_has_none_itself(tmp_path: Path) -> None:
    install(tmp_path / "node_modules" / "@acme" / "kit", {"version": "9.0.0"}, "index.js")
    install(tmp_path / "node_modules" / "@types" / "acme__kit", {"version": "8.1.0", "types": "a.d.ts"}, "a.d.ts")
    found = only(tmp_path, "@acme/kit/sub/path")
    assert (found.label, found.modules, found.is_stub) == ("@types/acme__kit 8.1.0", ("@acme/kit",), True)
    assert dict(found.files) == {"@acme/kit/a.d.ts": "a.d.ts"}


@pytest.mark.parametrize("module", ["./kit", "../kit", "/kit", "node:fs", "..", "@acme/..", "~/kit", "#kit", ""])
def test_paths_and_what_the_runtime_has_are_no_packages(tmp_path: Path, module: str) -> None:
    install(tmp_path / "kit", {}, "index.d.ts")
    install(tmp_path / "node_modules" / "kit", {}, "index.d.ts")
    assert list(NodeInstallation(tmp_path).packages([module])) == []


def test_workspaces_have_packages_of_their_own(tmp_path: Path) -> None:
    install(tmp_path / "packages" / "app" / "node_modules" / "kit", {"version": "2.0.0"}, "index.d.ts")
    assert only(tmp_path, "kit").version == "2.0.0"
    install(tmp_path / "node_modules" / "kit", {"version": "1.0.0"}, "index.d.ts")
    assert only(tmp_path, "kit").version == "1.0.0"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_within_node_modules_are_followed_and_no_others(tmp_path: Path) -> None:
    root, modules = tmp_path / "repo", tmp_path / "repo" / "node_modules"
    install(modules / ".pnpm" / "kit@1.0.0" / "node_modules" / "kit", {"version": "1.0.0"}, "index.d.ts")
    (modules / "kit").symlink_to(modules / ".pnpm" / "kit@1.0.0" / "node_modules" / "kit")
    assert only(root, "kit").label == "kit 1.0.0"
    install(root / "packages" / "own", {}, "index.d.ts")
    (modules / "own").symlink_to(root / "packages" / "own")
    install(tmp_path / "node_modules" / "far", {}, "index.d.ts")
    (modules / "far").symlink_to(tmp_path / "node_modules" / "far")
    assert list(NodeInstallation(root).packages(["own", "far"])) == []
    before = NodeInstallation(root).stamp()
    install(modules / "new", {}, "index.d.ts")
    assert NodeInstallation(root).stamp() != before
