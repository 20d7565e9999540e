"""Whether marks before the cursor (a quote, a comment's, a tag's, a sigil) are said again by an answer. Pure.

Which marks nobody writes twice in a row depends on the kind of file at most.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from codeassist_indexer.fitting.line_units import Unit, is_word

MARKUP = frozenset((".html", ".htm", ".xml", ".svg", ".vue", ".svelte", ".astro", ".php", ".erb", ".jsx", ".tsx",
                    ".js", ".mdx"))  # fmt: skip
"""Extensions of files in which `<` begins a tag."""

_MAKEFILES = frozenset(("makefile", "gnumakefile", ".mk", ".mak"))
_MARKDOWN = frozenset((".md", ".markdown", ".mdx", ".qmd", ".rmd"))
_TWO_DOTS = frozenset((".lua", ".rs", ".rb", ".kt", ".kts", ".swift", ".sh", ".bash", ".zsh", ".txt", ".hs", ".pl"))
_OPENERS = ("</", "<!", "<?", "::", "->", "?.", "{{", "${{", "{%", "<%", "${", "{#", "{/", "{:", "{@", "$(")
_COMMENTS = ("//", "--", "/*", "/**", "///", "<!--")
_ITEMS = ("-", "*", "//", "///")  # with a blank behind
_GONE_ON_WITH = {
    "/": ("/*", "/>"),
    "/*": ("/**", "/*!"),
    "*": ("*/",),
    "-": ("-->",),
    ";": (";;", "; "),
    "{": ("{/", "{#", "{:", "{@"),
}
_NUMBER = re.compile(r"\d+(?:\.\d+)+|\d+\.(?:\d+\.)+")
_BEHIND_EMPTY_QUOTES = frozenset(" \t\n)],;:+.}>*|&=?")


def are_marks_again(unit: Unit, body: str, end: int, path: str, nearby: str) -> bool:
    """Whether an answer says the marks and numbers again that stand before the cursor; `nearby` is the other text."""
    mark, follows = unit.text.strip(), body[end : end + 1]
    kind = _kind_of(path)
    starts_word = is_word(follows) and not follows.isdigit()
    if mark in ('"', "'", "`"):
        return mark == unit.text and _is_quote_again(unit, body)
    if mark in ('"""', "'''"):
        return unit.before.count(mark) % 2 == 0 and starts_word
    if _NUMBER.fullmatch(unit.text):
        return not is_word(unit.before[-1:]) and unit.before[-1:] != "."
    if unit.is_line and (is_again := _is_line_of_marks_again(unit, body, end, kind, nearby)) is not None:
        return is_again
    if mark == "#":
        return bool(follows) and (starts_word or follows in "[!{") and not unit.before[-1:].isalnum()
    if mark == "=>":
        return True
    if mark in ("<", "</"):
        is_tag = kind in MARKUP and (mark == "</" or not is_word(unit.before[-1:]))
        return is_tag and (starts_word or follows in ("/", "!", "?", ">"))
    if mark == "@":
        return starts_word and kind != ".rb"
    if mark == "$":
        return (is_word(follows) or follows == "{") and kind not in _MAKEFILES and kind != ".sql"
    if mark == ".":
        return starts_word and kind not in _TWO_DOTS and re.search(r"[\w)\]]\Z", unit.before) is not None
    if unit.text in _COMMENTS:
        return body[end : end + 2].lstrip(" ")[:1].isalpha() and unit.before[-1:] in ("", " ", "\t", *"(,[;")
    if mark == "$(" and "$($(" in nearby:
        return False
    return mark in _OPENERS and (starts_word or (follows == " " and mark[-1] in "{%"))


def opens_quote(unit: Unit) -> bool:
    """Whether the piece begins with a quote that stands open at the cursor, or a name or prefix and then that."""
    found = re.search(r"\A(?:[\w:@.-]+=?)?([\"'`])", unit.text)
    if found is None:
        return False
    return _num_quotes(unit.before, found[1]) % 2 == 0 and _num_quotes(unit.text, found[1]) % 2 == 1


def _is_line_of_marks_again(unit: Unit, body: str, end: int, kind: str, nearby: str) -> bool | None:
    """As `are_marks_again`, for all that stands on the line; None where that does not tell."""
    mark, behind, num_tokens = unit.text.strip(), body[end:], len(unit.tokens)
    if num_tokens > 1 and any(_num_quotes(mark, quote) % 2 for quote in "\"'"):
        return True
    if num_tokens > 2 and (mark[0] in "\"'" or mark[-1] in ")]}") and mark[0] not in ")]}":
        return True
    if mark[0] in "-{([" and any(char.isdigit() for char in mark):
        return unit.ends_in_word
    if mark.startswith(("_", "- ")):
        return True
    if mark == "{" and body.startswith("{%"):
        return True
    if any(body.startswith(each) for each in _GONE_ON_WITH.get(mark, ())) and (mark != "{" or kind == ".svelte"):
        return True
    if mark in (*_ITEMS, *_COMMENTS) and (unit.text[-1] == " " or mark == "*"):
        return True if behind[:1] == " " and behind.strip() else None
    if mark == "#" and kind not in _MARKDOWN and behind[:1] == " ":
        return True if unit.text[-1] == " " or behind[1:2].isalpha() else None
    if mark == ".":
        return re.match(r"await\b|\w+\(", behind) is not None or (is_word(behind[:1]) and kind not in _TWO_DOTS)
    if mark == "[" and kind in (".toml", ".ini", ".cfg"):
        return body.partition("\n")[0].count("]") == 1
    if mark == "\\" or (mark == "-" and kind in _MAKEFILES):
        return behind[:1].isalpha()
    if unit.text == mark[0] * len(mark) and mark not in (")", "]", "}") and kind not in _MARKDOWN:
        return _is_run_of_file(mark, body, nearby)
    return None


def _is_run_of_file(mark: str, body: str, nearby: str) -> bool | None:
    """Whether the file has as many of a mark in a row as the answer begins with, but not those of the line as well."""
    num_said = len(body) - len(body.lstrip(mark[0]))
    had = (
        re.search(rf"(?<!{re.escape(mark[0])}){re.escape(mark[0] * num)}(?!{re.escape(mark[0])})", nearby) is not None
        for num in (num_said, num_said + len(mark))
    )
    return True if next(had) and not next(had) else None


def _is_quote_again(unit: Unit, body: str) -> bool:
    """Whether the quote before the cursor is opened again, not closed at once as `" + x` does."""
    quote = unit.text
    if _num_quotes(unit.before, quote) % 2 or unit.before[-1:] in (quote, "\\"):
        return False
    line = body.partition("\n")[0]
    follows = line[1:2]
    if follows == quote:  # a docstring may go on with two of them
        return line.startswith(quote, 2) or (line[2:3] != "" and line[2:3] in ",)];}")
    if not follows or follows in " \t":
        return False
    return _num_quotes(line, quote) % 2 == 0 or follows not in _BEHIND_EMPTY_QUOTES


def _num_quotes(text: str, quote: str) -> int:
    return len(re.findall(rf"(?<!\\){quote}", text))


def _kind_of(path: str) -> str:
    """What is known of the kind of file: its extension, or its name where it is a Makefile."""
    name = PurePosixPath(path)
    return name.name.lower() if name.name.lower() in _MAKEFILES else name.suffix.lower()
