"""Packages that a repository of TypeScript has itself or names by a path: which file an import of one means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codeassist_indexer.libraries.node_packages import NodeInstallation
from tests.indexer.libraries.neighbours import Opened, write

KIT = "/** Opens a kit. */\nexport function openKit(name: string): Kit {}\nexport { deep } from './deep';\n"
DEEP = "export function deep(level: number): void {}\n"
USE = 'import { openKit, deep } from "@acme/kit";\nopenKit("a"); deep('


def package(name: str, **said: Any) -> str:
    return json.dumps({"name": name, "version": "0.1.0", **said})


@pytest.mark.parametrize(
    ("top", "said", "main"),
    [
        ({"package.json": package("mono", workspaces=["packages/*"])}, {}, "src/index.ts"),
        ({"package.json": package("mono", workspaces={"packages": ["packages/**"]})}, {"main": "lib/kit.js"},
         "lib/kit.ts"),
        ({"pnpm-workspace.yaml": "packages:\n  - 'packages/*'  # ours\n  - '!packages/old'\n", "package.json": "{}"},
         {"exports": {".": {"types": "./dist/kit.d.ts", "import": "./dist/kit.mjs"}}}, "src/kit.ts"),
        ({"package.json": package("app", dependencies={"@acme/kit": "file:packages/kit"})},
         {"exports": {"import": "./build/esm/main.js"}, "types": "build/types/main.d.ts"}, "src/main.tsx"),
        ({"tsconfig.json": '{ // Nx\n "compilerOptions": {"paths": {"@acme/kit": ["packages/kit/src/public.ts"],},},}'},
         {}, "src/public.ts"),
        ({"tsconfig.base.json": '{"compilerOptions": {"baseUrl": "packages", "paths": {"@acme/*": ["*/lib/index"]}}}'},
         {}, "lib/index.ts"),
    ],
)  # fmt: skip
def test_a_package_of_the_repository_is_its_sources(
    tmp_path: Path, top: dict[str, str], said: dict[str, Any], main: str
) -> None:
    folder = main.rpartition("/")[0]
    files = {**top, "packages/kit/package.json": package("@acme/kit", **said), "app/main.ts": USE,
             f"packages/kit/{main}": KIT, f"packages/kit/{folder}/deep.ts": DEEP}  # fmt: skip
    app = Opened(tmp_path / "app", files)
    app.update()
    shown = app.shown("app/main.ts", USE)
    assert shown["openKit"][:2] == ("", f"packages/kit/{main}"), "the repository's own"
    assert shown["deep"][:2] == ("", f"packages/kit/{folder}/deep.ts")
    assert app.labels() == []


def test_paths_below_a_package_and_aliases_of_folders(tmp_path: Path) -> None:
    files = {
        "package.json": package("mono", workspaces=["packages/*"]),
        "tsconfig.json": '{"compilerOptions": {"paths": {"shared-ui/*": ["ui/src/*"]}}}',
        "packages/kit/package.json": package("kit", exports={"./tools/*": "./src/tools/*.ts", "./x": "./dist/x.js"}),
        "packages/kit/src/tools/saw.ts": "export function sawWood(): void {}\n",
        "packages/kit/src/x.ts": "export function xRay(): void {}\n",
        "packages/kit/src/plain.ts": "export function plainPath(): void {}\n",
        "ui/src/button/index.tsx": "export function roundButton(): void {}\n",
    }
    use = (
        'import { sawWood } from "kit/tools/saw";\nimport { xRay } from "kit/x";\nimport { plainPath } from "kit/plain"'
        ';\nimport { roundButton } from "shared-ui/button";\nsawWood(xRay(plainPath(roundButton('
    )
    app = Opened(tmp_path / "app", {**files, "main.ts": use})
    app.update()
    shown = app.shown("main.ts", use)
    assert {name: shown[name][1] for name in ("sawWood", "xRay", "plainPath", "roundButton")} == {
        "sawWood": "packages/kit/src/tools/saw.ts",
        "xRay": "packages/kit/src/x.ts",
        "plainPath": "packages/kit/src/plain.ts",
        "roundButton": "ui/src/button/index.tsx",
    }


def test_a_folder_that_only_bears_an_installed_packages_name_does_not_hide_it(tmp_path: Path) -> None:
    write(
        tmp_path / "app" / "node_modules" / "react",
        {"package.json": package("react"), "index.d.ts": "export declare function useState(): void;\n"},
    )
    fixture = {
        "test/fixtures/react/package.json": package("react"),
        "test/fixtures/react/index.ts": "export const a = 1;\n",
    }
    app = Opened(
        tmp_path / "app", {"package.json": package("app"), **fixture, "a.ts": 'import { useState } from "react";\n'}
    )
    app.update()
    assert app.labels() == ["react 0.1.0"]


@pytest.mark.parametrize(
    "top",
    [
        {"package.json": package("app", dependencies={"@acme/kit": "link:../kit/packages/kit"})},
        {"package.json": package("app", devDependencies={"@acme/kit": "file:../kit"})},
        {"tsconfig.json": '{"references": [{"path": "../kit/tsconfig.json"}]}', "package.json": "{}"},
        {"pnpm-workspace.yaml": "packages:\n- ../kit\n", "package.json": "{}"},
    ],
)
def test_a_project_beside_the_repository_is_asked_where_it_was_opened(tmp_path: Path, top: dict[str, str]) -> None:
    kit = {"package.json": package("kits", workspaces=["packages/*"]), "tsconfig.json": "{}",
           "packages/kit/package.json": package("@acme/kit"), "packages/kit/index.ts": KIT,
           "packages/kit/deep.ts": DEEP}  # fmt: skip
    app = Opened(tmp_path / "app", {**top, "main.ts": USE})
    write(tmp_path / "kit", kit)
    app.update()
    assert app.labels() == [], "nobody has opened it"
    Opened(tmp_path / "kit", {})
    app.update()
    assert app.shown("main.ts", USE)["openKit"][:2] == ("kit", "packages/kit/index.ts")


def test_folders_that_are_open_beside_each_other_see_each_other(tmp_path: Path) -> None:
    kit = Opened(tmp_path / "kit", {"package.json": package("@acme/kit"), "src/index.ts": KIT, "src/deep.ts": DEEP})
    app = Opened(tmp_path / "app", {"main.ts": USE})
    assert not app.update() and app.update([kit.root])
    assert app.shown("main.ts", USE)["deep"][:2] == ("kit", "src/deep.ts")


@pytest.mark.parametrize("path", ["..", "../..", "../../..", "/", "~", "../other", "C:\\", "\x00", "x" * 5_000, ""])
def test_no_path_makes_more_of_the_users_disk_readable(tmp_path: Path, path: str) -> None:
    above = {"package.json": package("@acme/kit"), "index.ts": KIT, "deep.ts": DEEP}
    write(tmp_path / "home", {f"other/{name}": text for name, text in above.items()})
    Opened(tmp_path / "home", above, tmp_path / "cache")  # even where the folder above was opened once
    said = package("app", dependencies={"@acme/kit": f"file:{path}"}, workspaces=[path])
    references = json.dumps({"references": [{"path": path}], "compilerOptions": {"paths": {"@acme/kit": [path]}}})
    root = tmp_path / "home" / "app"
    app = Opened(root, {"package.json": said, "tsconfig.json": references, "main.ts": USE}, tmp_path / "cache")
    app.update()
    assert app.labels() == [] and "openKit" not in app.shown("main.ts", USE)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"workspaces": ' + "[" * 60 + "]" * 60 + "}", '{"a":"' + '\\"' * 500_000, "/*" * 500_000,
             "\xff", "null",
             '{"name": 3, "workspaces": {"packages": 4}, "dependencies": ["file:.."], "exports": {".": {".": {}}}}']
)  # fmt: skip
def test_hostile_manifests_say_nothing(tmp_path: Path, text: str) -> None:
    for name in ("package.json", "tsconfig.json", "pnpm-workspace.yaml"):
        (tmp_path / name).write_text(text)
    installation = NodeInstallation(tmp_path)
    assert list(installation.projects()) == [] and list(installation.packages(["kit"])) == []
    assert installation.stamp()
