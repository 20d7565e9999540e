"""Which lexicon a file is read by: told by its language, else by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.lexicons.formats import ANY, FORMATS
from codeassist_indexer.languages.registry import LANGUAGES, language_of, spec_of


def _all() -> Iterator[Lexicon]:
    for lexicon in (*(spec.lexicon for spec in LANGUAGES.values()), *FORMATS):
        if lexicon is not None:
            yield lexicon
            yield from lexicon.within


LEXICONS = {each.name: each for each in _all()}
# Of formats without a file of a language, and of files that are read as one of a language's.
_BY_EXTENSION = {
    "py": "python", "pyi": "python", "js": "script tags", "mjs": "script tags", "cjs": "script tags",
    "jsx": "script tags", "tsx": "script tags", "ts": "script", "mts": "script", "cts": "script", "java": "java",
    "c": "c", "h": "cpp", "cpp": "cpp", "cc": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp", "cs": "csharp",
    "go": "go", "rs": "rust", "php": "php", "phtml": "php", "kt": "kotlin", "kts": "kotlin", "swift": "swift",
    "scala": "scala", "sc": "scala", "sbt": "scala", "rb": "ruby", "rake": "ruby", "gemspec": "ruby", "lua": "lua",
    "sh": "shell", "bash": "shell", "zsh": "shell", "ksh": "shell", "sql": "sql", "tf": "terraform",
    "tfvars": "terraform", "hcl": "terraform", "groovy": "groovy", "gradle": "groovy", "dart": "dart", "mk": "makefile",
    "html": "html", "htm": "html", "xhtml": "html", "erb": "html", "ejs": "html", "j2": "html", "hbs": "html",
    "vue": "vue", "svelte": "svelte", "xml": "xml", "svg": "xml", "xsl": "xml", "xsd": "xml", "plist": "xml",
    "csproj": "xml", "css": "css", "scss": "css", "less": "css", "sass": "css", "json": "json", "jsonc": "json",
    "json5": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml", "dockerfile": "dockerfile",
}  # fmt: skip
_BY_NAME = {
    "makefile": "makefile", "gnumakefile": "makefile", "dockerfile": "dockerfile", "containerfile": "dockerfile",
    "rakefile": "ruby", "gemfile": "ruby", "vagrantfile": "ruby", "jenkinsfile": "groovy", "sconstruct": "python",
}  # fmt: skip


def lexicon_of(language: str | None, path: str = "") -> Lexicon:
    """The lexicon of a language by its name, or of a file by its name; ANY for what nobody knows."""
    spec = spec_of(language or language_of(path))
    if spec is not None and spec.lexicon is not None:
        return spec.lexicon
    file = PurePosixPath(path.replace("\\", "/")).name.lower()
    name = _BY_NAME.get(file.partition(".")[0]) or _BY_EXTENSION.get(file.rpartition(".")[2], "")
    return LEXICONS.get(name, ANY)
