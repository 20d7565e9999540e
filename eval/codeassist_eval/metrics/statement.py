"""Where a predicted statement ends, as CrossCodeEval's official script cuts it.

Behaviour and quirks follow amazon-science/cceval, `scripts/eval_utils.py`.
"""

from __future__ import annotations

from functools import cache

import tree_sitter
import tree_sitter_python

from codeassist_eval.tasks.task import Language


def cut_statement(language: Language, prompt: str, completion: str) -> str:
    """Return the first statement of `completion`; all of it where no end is found."""
    if language == "python":
        return _cut_python(prompt, completion)
    return _cut_brackets(completion)


def _cut_brackets(completion: str) -> str:
    """Java, TypeScript, C#: up to and with the first `;`, `{` or `}`.

    Quirk: one that is the very first character does not count as found, and then nothing is cut at all. Brackets and
    semicolons inside strings count.
    """
    found = [index for mark in ";{}" if (index := completion.find(mark)) >= 0]
    end = min(found, default=0)
    return completion[: end + 1] if end else completion


def _cut_python(prompt: str, completion: str) -> str:
    """Python: up to the first line end before which prompt and completion together parse.

    Quirks: a completion is never cut before its second character, nor at its own end, so trailing spaces then stay.
    Inserted (MISSING) tokens do not count as errors. A prompt that does not parse, like one cut in the middle of a
    file, means that nothing is cut. The official script tries every character; only those before a line end matter.
    """
    newline = completion.find("\n", 1)
    while newline > 0:
        head = completion[:newline]
        try:
            source = (prompt + head).encode()
        except UnicodeEncodeError:  # lone surrogates: the official script gives up and keeps everything
            return completion
        if not _has_error_node(_python_parser().parse(source).root_node):
            return head.rstrip()
        newline = completion.find("\n", newline + 1)
    return completion


def _has_error_node(root: tree_sitter.Node) -> bool:
    """Whether an ERROR node stands anywhere. `has_error` is also true for MISSING, hence the walk below it.

    The official walk recurses in Python and calls code that is nested deeper than its recursion limit (about 980
    levels) erroneous; this one does not.
    """
    pending = [root] if root.has_error else []
    while pending:
        node = pending.pop()
        if node.type == "ERROR":
            return True
        pending.extend(child for child in node.children if child.has_error)
    return False


@cache
def _python_parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
