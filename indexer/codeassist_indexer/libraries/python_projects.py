"""Python projects that a repository names by a path: uv's sources, Poetry's and Pipenv's dependencies, requirements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codeassist_indexer.libraries.manifests import inside, manifests, path_named, table, text_of, texts, toml_of

_MOST_LINES = 5_000
_REQUIRED = re.compile(r"\s*(?:(?:-e|--editable)[ =]\s*)?((?:\.\.?[/\\]|file:)[^\s;#\[]+)")
_FILE_URL = re.compile(r"@\s*file:(?://)?(/[^\s;#]+|\.[^\s;#]+)")


def projects_named(root: Path) -> list[Path]:
    """Return the folders outside of the repository at `root` that its manifests name by a path."""
    found: dict[Path, None] = {}
    for file in manifests(root, ("pyproject.toml", "Pipfile", "requirements.txt", "requirements-dev.txt")):
        named = _of_requirements(text_of(file)) if file.suffix == ".txt" else _of_toml(toml_of(file))
        for written in named:
            path = path_named(file.parent, written)
            if path is not None and inside(root, path) is None:
                found[path] = None
    return list(found)


def _of_toml(said: Mapping[str, Any]) -> Iterator[str]:
    tools = table(said.get("tool"))
    uv, poetry = table(tools.get("uv")), table(tools.get("poetry"))
    yield from texts(table(uv.get("workspace")).get("members"))
    groups = [table(group).get("dependencies") for group in table(poetry.get("group")).values()]
    places = [uv.get("sources"), poetry.get("dependencies"), poetry.get("dev-dependencies"), *groups]
    for place in (*places, said.get("packages"), said.get("dev-packages")):
        for wanted in table(place).values():
            for each in wanted if isinstance(wanted, list) else [wanted]:  # pyright: ignore[reportUnknownVariableType]
                path = table(each).get("path")
                if isinstance(path, str):
                    yield path
    for required in texts(table(said.get("project")).get("dependencies")):
        yield from _FILE_URL.findall(required)


def _of_requirements(text: str) -> Iterator[str]:
    for line in text.splitlines()[:_MOST_LINES]:
        match = _REQUIRED.match(line)
        if match is not None:
            yield match[1].removeprefix("file:").removeprefix("//")
        yield from _FILE_URL.findall(line)
