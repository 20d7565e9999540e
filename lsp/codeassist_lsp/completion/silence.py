"""Where nothing comes by itself, whatever is typed: the languages and the paths that the settings switch off."""

from __future__ import annotations

from functools import lru_cache

from codeassist.settings import EditorSettings
from codeassist_indexer.ingest.ignore import settings_spec
from codeassist_indexer.ingest.ignore_patterns import IgnoreSpec
from codeassist_lsp.workspace.workspace import DocumentScope


def why_no_completion(language_id: str, editor: EditorSettings) -> str | None:
    """Why a document of this language gets no completion at all, for people; None where it may get one."""
    if language_id in editor.off_languages:
        return f"off for {language_id} (editor.off_languages)"
    return None


def why_on_demand_only(scope: DocumentScope, editor: EditorSettings) -> str | None:
    """Why a document gets only what somebody asks for, for people; None where completions come by themselves."""
    if editor.mode == "manual":
        return "on demand only (editor.mode)"
    spec = _spec(editor.off_paths)
    if spec is not None and spec.covers(_path_of(scope)):
        return f"on demand only in {scope.path} (editor.off_paths)"
    return None


def _path_of(scope: DocumentScope) -> str:
    """The document's path for patterns: in its repository, or all of it."""
    if scope.workspace is None and scope.file is not None:
        return scope.file.as_posix().removeprefix(scope.file.anchor.replace("\\", "/"))
    return scope.path


@lru_cache(maxsize=16)
def _spec(patterns: tuple[str, ...]) -> IgnoreSpec | None:
    return settings_spec(patterns)
