"""What clients call languages, and the name that a file of one would have: their word counts before the file's own.

A language is known by the name of its `LanguageSpec`, whose `ids` are clients' names for it. Of those without a spec
only this is known: what they are called, and what their files are called, by which answers are fitted to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from codeassist_indexer.languages.registry import language_of, spec_of, spec_of_id


@dataclass(frozen=True, slots=True)
class _Plain:
    """A language without a spec: `ids` as in LanguageSpec, `extension` what its files' names end with."""

    extension: str
    ids: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()


_PLAIN = {
    "astro": _Plain(".astro"),
    "dart": _Plain(".dart"),
    "dockerfile": _Plain(".dockerfile", ("docker", "containerfile"), ("Dockerfile", "Containerfile")),
    "erb": _Plain(".erb", ("eruby", "html.erb")),
    "groovy": _Plain(".groovy", ("gradle", "jenkinsfile"), ("Jenkinsfile",)),
    "handlebars": _Plain(".hbs", ("mustache", "html.handlebars")),
    "haskell": _Plain(".hs"),
    "jinja": _Plain(".j2", ("jinja-html", "htmldjango", "django-html")),
    "latex": _Plain(".tex", ("tex", "plaintex")),
    "less": _Plain(".less"),
    "makefile": _Plain(".mk", ("make", "automake"), ("Makefile", "makefile", "GNUmakefile")),
    "markdown": _Plain(".md", ("quarto", "rmd", "pandoc")),
    "mdx": _Plain(".mdx"),
    "perl": _Plain(".pl"),
    "r": _Plain(".r"),
    "restructuredtext": _Plain(".rst", ("rst",)),
    "sass": _Plain(".sass"),
    "scss": _Plain(".scss"),
    "svelte": _Plain(".svelte"),
    "terraform": _Plain(".tf", ("tf", "terraform-vars", "hcl", "opentofu")),
    "vue": _Plain(".vue", ("vue-html",)),
    "xml": _Plain(".xml", ("xsl", "xsd", "svg", "ant")),
}
_PLAIN_BY_ID = {each: name for name, plain in _PLAIN.items() for each in (name, *plain.ids)}
_PLAIN_BY_EXTENSION = {plain.extension: name for name, plain in _PLAIN.items()}
_PLAIN_BY_FILE_NAME = {each: name for name, plain in _PLAIN.items() for each in plain.file_names}


def language_of_id(language_id: str) -> str | None:
    """The language that a client names; None for one that is not known here, and for "plaintext", which says nothing.

    Of several in one id, as in Neovim's "yaml.docker-compose", the first that is known counts.
    """
    for each in (language_id, *language_id.split(".")):
        spec = spec_of_id(each)
        name = spec.name if spec is not None else _PLAIN_BY_ID.get(each)
        if name is not None:
            return name
    return None


def extension_of(language: str | None) -> str:
    """What the names of a language's files end with; "" of one that is not known here."""
    spec = spec_of(language)
    if spec is not None:
        return spec.extensions[0]
    plain = _PLAIN.get(language or "")
    return "" if plain is None else plain.extension


def named_for(told: str | None, path: str) -> str:
    """A name by which the file's kind is known: its path, with the extension of what its client says it is, if need be.

    `notes.txt` that is Python is known as one of `notes.txt.py`.
    """
    if told is None or told == _language_by_name(path):
        return path
    return path + extension_of(told)


def _language_by_name(path: str) -> str | None:
    name = PurePosixPath(path.replace("\\", "/").rpartition("/")[2])
    plain = _PLAIN_BY_FILE_NAME.get(name.name) or _PLAIN_BY_EXTENSION.get(name.suffix.lower())
    return plain or language_of(path)
