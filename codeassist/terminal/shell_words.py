"""What a shell offers where a command line wants a model, a file with a cursor, or a page of the documentation.

Asked for at each Tab: nothing heavy is imported, nothing is printed, and what cannot be read offers nothing.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from codeassist.errors import CodeAssistError


def model_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The names of the models that are known, or files where none begins so."""
    from codeassist.models.registry import known_models
    from codeassist.settings import resolve

    try:
        entries = known_models(resolve(None, ()).settings)
    except CodeAssistError:
        return file_words(context, parameter, incomplete)
    named = [entry for name, entry in entries.items() if name.startswith(incomplete)]
    found = [CompletionItem(entry.name, help=entry.description) for entry in named]
    return found or file_words(context, parameter, incomplete)


def file_words(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Files: the shell knows them."""
    return [CompletionItem(incomplete, type="file")]
