"""`codeassist docs`: the documentation that was installed with the program, page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from codeassist.errors import RequestError
from codeassist.terminal.console import print_exactly, print_json, say
from codeassist.terminal.options import debug_option, json_option

_DISTRIBUTION = "codeassist-live"


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers."""
    return [name for name in find_pages() if name.startswith(incomplete)]


@click.command()
@click.argument("page", required=False, shell_complete=_names)
@json_option
@debug_option
def docs(page: str | None, as_json: bool) -> None:
    """Read the documentation, which was installed with the program.

    Prints PAGE as it is written, in Markdown; without one, says which pages there are and where.

    \b
    Examples:
      codeassist docs
      codeassist docs settings | less
    """
    pages = find_pages()
    if page is None:
        listed = [_document(name, path) for name, path in pages.items()]
        if as_json:
            print_json({"pages": listed})
            return
        width = max(map(len, pages), default=0)
        for one in listed:
            say(f"{one['name']:<{width}}  {one['title']}")
        for folder in sorted({path.parent for path in pages.values()}):
            say(f"in {folder}")
        return
    name = page.removesuffix(".md")
    if name not in pages:
        raise RequestError(f"{page}: no page of the documentation; there are {', '.join(pages)}")
    if as_json:
        print_json({**_document(name, pages[name]), "text": _read(pages[name])})
    else:
        print_exactly(_read(pages[name]).rstrip())


def find_pages() -> dict[str, Path]:
    """The pages by their names: of a checkout's folder `docs`, else what the installed distribution brought."""
    checkout = Path(__file__).resolve().parents[2]
    is_checkout = (checkout / "pyproject.toml").is_file()
    found = list((checkout / "docs").glob("*.md")) if is_checkout else _installed_pages()
    return {path.stem: path for path in sorted(found)}


def _installed_pages() -> list[Path]:
    from importlib import metadata

    files = metadata.files(_DISTRIBUTION) or []
    pages = (file for file in files if file.suffix == ".md" and file.parent.name == _DISTRIBUTION)
    return [Path(str(file.locate())).resolve() for file in pages]


def _document(name: str, path: Path) -> dict[str, Any]:
    title = next((line for line in _read(path).splitlines() if line.startswith("# ")), name)
    return {"name": name, "title": title.removeprefix("# "), "path": path}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path} cannot be read ({error.strerror}); install codeassist again") from error
