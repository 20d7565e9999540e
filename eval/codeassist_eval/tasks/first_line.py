"""The first line of a prediction that is code, as RepoBench's official runner finds it.

Behaviour and quirks follow Leolty/repobench, `run.py`.
"""

from __future__ import annotations

from codeassist_eval.tasks.task import Language


def first_code_line(language: Language, prediction: str) -> str:
    """Return the first line that is neither blank nor a comment; the first line of all where there is none.

    Quirks: a line that opens a docstring or block comment is skipped without looking whether it also closes it, so a
    one-line docstring swallows the lines up to the next closing quotes.
    """
    line_mark, opening, closing = _COMMENTS[language]
    lines = prediction.lstrip("\n").split("\n")
    is_inside = False
    for line in lines:
        text = line.strip()
        if not text:
            continue
        if not is_inside and text.startswith(opening):
            is_inside = True
        elif is_inside:
            is_inside = not text.endswith(closing)
        elif not text.startswith(line_mark):
            return line
    return lines[0]


_BRACES = ("//", ("/*",), ("*/",))
_QUOTES = ('"""', "'''")
_COMMENTS: dict[Language, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "python": ("#", _QUOTES, _QUOTES),
    "java": _BRACES,
    "typescript": _BRACES,  # not in RepoBench; read as Java is
    "csharp": _BRACES,
}
