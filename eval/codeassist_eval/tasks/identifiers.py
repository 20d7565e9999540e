"""The identifiers of a piece of code, as CrossCodeEval's official script finds them.

Behaviour and quirks follow amazon-science/cceval, `scripts/eval_utils.py` and `scripts/keywords`.
"""

from __future__ import annotations

import keyword
import re

from codeassist_eval.tasks.task import Language

# Quirk: only '…' and "…" are strings; template literals, raw and triple-quoted strings are read as these two would be,
# and a string may span lines.
_STRING = re.compile(r'"([^"\\]*(\\.[^"\\]*)*)"|\'([^\'\\]*(\\.[^\'\\]*)*)\'')
_WORD = re.compile(r"\w+")
_IDENTIFIER_START = re.compile(r"[_a-zA-Z]")
_COMMENT = re.compile(r"#.*|//.*")

_JAVA = """
abstract assert boolean break byte case catch char class const continue default do double else enum extends final
finally float for goto if implements import instanceof int interface long native new package private protected public
return short static strictfp super switch synchronized this throw throws transient try var void volatile while
"""
_TYPESCRIPT = """
break case catch class const continue debugger default delete do else enum export extends finally for function if
implements import in instanceof interface let new package private protected public return static super switch this
throw try typeof var void while with yield
"""
_CSHARP = """
abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else
enum event explicit extern finally fixed float for foreach goto if implicit in int interface internal is lock long
namespace new null object operator out override params private protected public readonly ref return sbyte sealed short
sizeof stackalloc static string struct switch this throw try typeof uint ulong unchecked unsafe ushort using virtual
void volatile while
"""

# Quirk: the lists follow dpu-utils, where most literals (True, true, Java's null) are not keywords.
_KEYWORDS: dict[Language, frozenset[str]] = {
    "python": frozenset(keyword.kwlist) - {"True", "False"},
    "java": frozenset(_JAVA.split()),
    "typescript": frozenset(_TYPESCRIPT.split()),
    "csharp": frozenset(_CSHARP.split()),
}


def remove_comments(code: str) -> str:
    """Cut every line at its first `#` or `//`.

    Quirk: in every language and inside strings too, so Python loses `// 2` and everybody loses what follows `http:`.
    """
    return _COMMENT.sub("", code)


def identifiers(language: Language, code: str) -> list[str]:
    """Return the identifiers of `code` in order, with repetitions; words inside strings do not count.

    Quirk: only the first character of a word is tested, so `naïve` counts and `été` does not.
    """
    words = _WORD.findall(_STRING.sub("", code))
    keywords = _KEYWORDS[language]
    return [word for word in words if _IDENTIFIER_START.match(word) and word not in keywords]
