"""The VS Code extension offers the settings that an editor may make, with their defaults.

A workspace may make those that a repository may make, and no others.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from codeassist.settings import RULES, Author, Settings

MANIFEST = Path(__file__).parents[2] / "editor-plugins" / "vscode" / "package.json"
MIRRORED = ("model", "completion", "context", "editor", "edits")
# An editor has `editor.max_lines` in its place.
NOT_IN_EDITORS = {"completion.max_lines"}
NONE_IS_WRITTEN = {"model.threads": "auto", "editor.debounce_ms": "auto"}


def declared() -> dict[str, dict[str, Any]]:
    sections = json.loads(MANIFEST.read_text(encoding="utf-8"))["contributes"]["configuration"]
    return {key: entry for section in sections for key, entry in section["properties"].items()}


def camel_case(key: str) -> str:
    return "codeassist." + re.sub(r"_(\w)", lambda match: match[1].upper(), key)


WANTED = [
    key
    for key, rule in RULES.items()
    if key.split(".")[0] in MIRRORED and key not in NOT_IN_EDITORS and rule.author is not Author.USER
]


def test_no_setting_is_missing_and_none_is_made_up() -> None:
    ours = {key for key in declared() if not key.startswith("codeassist.server.")}
    assert ours == {camel_case(key) for key in WANTED}


@pytest.mark.parametrize("key", WANTED)
def test_a_setting_says_what_the_server_says(key: str) -> None:
    entry = declared()[camel_case(key)]
    section, name = key.split(".")
    default = getattr(getattr(Settings(), section), name)
    written = NONE_IS_WRITTEN.get(key) if default is None else list(default) if isinstance(default, tuple) else default
    assert entry["default"] == written
    assert entry["markdownDescription"]
    assert (entry["scope"] == "window") == (RULES[key].author is Author.REPOSITORY), (
        "a workspace's settings come with the repository"
    )


@pytest.mark.parametrize("key", WANTED)
def test_the_values_that_vs_code_takes_are_those_that_the_server_takes(key: str) -> None:
    entry, kind = declared()[camel_case(key)], RULES[key].kind
    ranges = [entry, *entry.get("anyOf", [])]
    for value in entry.get("enum", []):
        kind.parse(value)
    for limits in ranges:
        for bound, beyond in (("minimum", -1), ("maximum", 1)):
            if bound in limits:
                kind.parse(limits[bound])
                with pytest.raises(ValueError):
                    kind.parse(limits[bound] + beyond)


def test_what_starts_programs_is_the_users_alone() -> None:
    """`machine`: no workspace file counts, trusted or not, nor one of another machine that VS Code is connected to."""
    assert {entry["scope"] for key, entry in declared().items() if key.startswith("codeassist.server.")} == {"machine"}


def test_every_scope_is_one_whose_reach_is_known() -> None:
    assert {entry["scope"] for entry in declared().values()} == {"window", "application", "machine"}


def test_a_workspace_that_is_not_trusted_restricts_what_concerns_the_machine() -> None:
    trust = json.loads(MANIFEST.read_text(encoding="utf-8"))["capabilities"]["untrustedWorkspaces"]
    assert trust["supported"] == "limited"
    of_the_machine = {key for key, entry in declared().items() if entry["scope"] == "machine"}
    assert set(trust["restrictedConfigurations"]) == of_the_machine


def test_every_command_that_is_named_is_declared() -> None:
    """In the manifest's keys, menus and walkthrough, by its id; in the pages that are shown, by its title."""
    contributed = json.loads(MANIFEST.read_text(encoding="utf-8"))["contributes"]
    declared_ids = {each["command"] for each in contributed["commands"]}
    named = {each["command"] for each in contributed["keybindings"]}
    named |= {each["command"] for menu in contributed["menus"].values() for each in menu if "command" in each}
    named |= set(re.findall(r"command:(codeassist\.\w+)", json.dumps(contributed["walkthroughs"])))
    assert {name for name in named if name.startswith("codeassist.")} <= declared_ids
    titles = {each["title"] for each in contributed["commands"]}
    for page in (MANIFEST.parent / "README.md", *MANIFEST.parent.glob("media/*.md")):
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert set(re.findall(r"\*codeassist: ([^*…]+)\*", text)) <= titles, page


def test_the_package_has_a_page_of_its_own_whose_links_lead_somewhere() -> None:
    """It is read in the list of extensions, where no file lies beside it."""
    text = (MANIFEST.parent / "README.md").read_text(encoding="utf-8")
    assert "!README.md" in (MANIFEST.parent / ".vscodeignore").read_text(encoding="utf-8").splitlines()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links and all(link.startswith("https://") for link in links)
    keys = {each["key"] for each in json.loads(MANIFEST.read_text(encoding="utf-8"))["contributes"]["keybindings"]}
    for key in keys:
        assert key.replace("right", "→") in text.lower(), key
