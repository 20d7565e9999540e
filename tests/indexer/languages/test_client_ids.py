"""What clients call languages, and what their word means beside a file's name."""

from __future__ import annotations

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.fitting.mid_word import is_in_word
from codeassist_indexer.fitting.trim import fit, lines_wanted
from codeassist_indexer.languages.client_ids import extension_of, language_of_id, named_for
from codeassist_indexer.languages.lexicons.choice import lexicon_of
from codeassist_indexer.languages.registry import LANGUAGES, language_at

# Of the protocol's own list, those of which more is known than that they are text.
PROTOCOL_IDS = {
    "c": "c", "cpp": "cpp", "csharp": "csharp", "css": "css", "dart": "dart", "dockerfile": "dockerfile", "go": "go",
    "groovy": "groovy", "handlebars": "handlebars", "haskell": "haskell", "html": "html", "java": "java",
    "javascript": "javascript", "javascriptreact": "javascript", "json": "json", "jsonc": "json", "latex": "latex",
    "less": "less", "lua": "lua", "makefile": "makefile", "markdown": "markdown", "objective-c": "c",
    "objective-cpp": "cpp", "perl": "perl", "php": "php", "python": "python", "r": "r", "ruby": "ruby", "rust": "rust",
    "sass": "sass", "scala": "scala", "scss": "scss", "shellscript": "bash", "sql": "sql", "swift": "swift",
    "tex": "latex", "typescript": "typescript", "typescriptreact": "tsx", "vue": "vue", "xml": "xml", "xsl": "xml",
    "yaml": "yaml", "svelte": "svelte", "terraform": "terraform", "toml": "toml", "kotlin": "kotlin",
}  # fmt: skip
NEOVIM_FILETYPES = {
    "sh": "bash", "zsh": "bash", "cs": "csharp", "objc": "c", "objcpp": "cpp", "make": "makefile", "tf": "terraform",
    "typescript.tsx": "typescript", "yaml.docker-compose": "yaml", "yaml.ansible": "yaml", "htmldjango": "jinja",
}  # fmt: skip


@pytest.mark.parametrize(("language_id", "language"), [*PROTOCOL_IDS.items(), *NEOVIM_FILETYPES.items()])
def test_a_clients_name_of_a_language(language_id: str, language: str) -> None:
    assert language_of_id(language_id) == language
    named = named_for(language, "notes")
    assert named == "notes" + extension_of(language) != "notes"
    assert language_of_id(language) == language
    if language not in ("latex", "markdown", "mdx", "perl", "r", "haskell"):  # what is known of these is no lexicon
        assert lexicon_of(language if language in LANGUAGES else None, named).name != "any"


@pytest.mark.parametrize("language_id", ["plaintext", "text", "", "log", ".", "unheard-of"])
def test_a_name_that_says_nothing_leaves_it_to_the_files_name(language_id: str) -> None:
    assert language_of_id(language_id) is None
    script = "#!/usr/bin/env python3\n"
    asked = [
        CompletionRequest(path, script, "", language=language_of_id(language_id)) for path in ("a.go", "bin/a", "a.txt")
    ]
    assert [language_at(each) for each in asked] == ["go", "python", "python"]


def test_a_clients_word_counts_before_the_name() -> None:
    for path in ("bin/report", "notes.txt", "build.v2", "a.go", "plot.ipynb"):
        assert language_at(CompletionRequest(path, "#!/bin/sh\n", "", language="python")) == "python"
    assert language_at(CompletionRequest("a.py", "", "", language="vue")) is None
    assert named_for("python", "a.pyi") == "a.pyi" and named_for("tsx", "a.ts") == "a.ts.tsx"
    assert named_for("javascript", "a.jsx") == "a.jsx" and named_for("dockerfile", "Dockerfile") == "Dockerfile"


@pytest.mark.parametrize("path", ["bin/report", "notes.txt", "build.v2", "plot.ipynb", "Untitled-1", "a.go"])
def test_a_text_is_read_as_its_client_says(path: str) -> None:
    assert lines_wanted("def f(x):\n    ", "\n", path, "python") == "block"
    assert lines_wanted("def f(x):\n    ", "\n", path, "go") == "line"
    answer, prefix, suffix = "self.x = 1\nself.y = 2", "class A:\n    def f(self):\n        ", "\n"
    assert fit(answer, prefix, suffix, path, "python") == fit(answer, prefix, suffix, "a.py")
    closed = 'f"{x}")', 'print("a"', ")\n"
    assert fit(*closed, path, "python") == fit(*closed, "a.py")
    assert is_in_word("a { margin-", "left: 1 }", path, "css") and not is_in_word("a = margin-", "left", path, "python")


@pytest.mark.parametrize(
    ("language", "name", "answer", "prefix", "suffix"),
    [
        ("vue", "a.vue", "<b>x</b></p>", "<template><p>", "</p></template>\n"),
        ("makefile", "Makefile", "MAKE) clean", "all:\n\t$(", ")\n"),
        ("dockerfile", "Dockerfile", "RUN pip install x", "FROM a\nRUN ", "\n"),
        ("scss", "a.scss", "left: 1px;", "a { margin-", "\n}\n"),
        ("markdown", "a.md", "```python\nx = 1\n```", "Text\n\n", "\n"),
        ("xml", "a.xml", "c>", "<a><b></b></", "\n"),
        ("bash", "a.sh", 'echo "$x"; fi', "if true; then ", "\n"),
        ("tsx", "a.tsx", "<p>{x}</p></div>", "const a = <div>", "</div>\n"),
    ],
)
def test_a_kind_of_file_that_its_client_names_is_fitted_as_one_of_that_name(
    language: str, name: str, answer: str, prefix: str, suffix: str
) -> None:
    for path in ("notes", "Untitled-1", "notes.txt"):
        assert fit(answer, prefix, suffix, path, language) == fit(answer, prefix, suffix, name)
