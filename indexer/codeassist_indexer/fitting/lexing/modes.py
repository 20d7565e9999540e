"""What to look for in a text while something stands open: in code, in a string or comment, in a tag, between tags.

A mode is one pattern, made from a lexicon: it skips what says nothing, and its group says which rule has been met.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal as Choice

from codeassist_indexer.languages.forms.lexicon import Hole, Lexicon, Literal
from codeassist_indexer.languages.lexicons.choice import LEXICONS

ModeKind = Choice["code", "literal", "text", "tag"]
LINE_END = "\n"

_LOOKAROUND = re.compile(r"\(\?(?:<?[=!])[^()]*\)|\(\?:\|*\)")
_QUOTES = "\"'`"
_NESTED = {")": "(", "]": "[", "}": "{"}
_REGION_ENDS = {"php code": (r"\?>",), "any": (r"%>", r"%\}")}
_SLASH_BODY = re.compile(r"(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])*")
_SLASH = Literal("/", "/")
_ATTRIBUTES = (Literal('"', '"', "none", is_long=True), Literal("'", "'", "none", is_long=True))


@dataclass(frozen=True, slots=True, eq=False)
class LiteralRule:
    """What begins a literal. `body` matches its text up to its end, a hole, or the end of its line."""

    literal: Literal
    body: re.Pattern[str] | None
    needs_value_place: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """`rules` are by the number of the pattern's group. `closes` ends the literal that this is the inside of."""

    kind: ModeKind
    lexicon: Lexicon
    pattern: re.Pattern[str]
    rules: dict[int, object]
    literal: Literal | None = None
    closes: str = ""


@cache
def code_mode(name: str) -> Mode:
    """Code of a lexicon."""
    lexicon = LEXICONS[name]
    rules: list[tuple[str, object]] = [(r"\\(?s:.)", "skip")] if lexicon.has_escapes else []
    rules += [(each.opens, _rule(each)) for each in lexicon.literals]
    if lexicon.slash_regex:
        rules.append((r"/(?![/*])", LiteralRule(_SLASH, _SLASH_BODY, needs_value_place=True)))
    if lexicon.markup is not None:
        rules.append((r"<(?=[A-Za-z>])(?!\w+(?:,|\s+extends\b)|[A-Z]\w*>\s*\()", "tag"))
    rules.append((r"</(?:script|style)\s*>", "end tag"))
    rules += [(each, "region end") for each in _REGION_ENDS.get(name, ())]
    return _mode("code", lexicon, [*rules, (r"[()\[\]{}]", "bracket")])


@cache
def literal_mode(name: str, literal: Literal, closes: str) -> Mode:
    """Within a string or comment. The brackets and quotes in it are none of the code's, but an editor closes them."""
    rules: list[tuple[str, object]] = [(r"\{\{", "skip") for hole in literal.holes if hole.opens == r"\{"]
    rules += [(hole.opens, hole) for hole in literal.holes]
    if literal.escape == "backslash":
        rules.append((r"\\(?s:.)", "skip"))
    elif literal.escape == "doubled":
        rules.append((re.escape(closes * 2), "skip"))
    end = rf"\n[ \t]*{re.escape(closes)}\b" if literal.is_here_document else re.escape(closes)
    rules.append((end, "end"))
    if literal.nests:
        rules.append((literal.opens if literal.is_comment else re.escape(_NESTED[closes]), "nested"))
    if closes != LINE_END:
        rules.append((r"\n", "line end"))
    rules += [(r"[()\[\]{}]", "soft bracket"), (rf"[{_QUOTES}]", "soft quote")]
    return _mode("literal", LEXICONS[name], rules, literal, closes)


@cache
def text_mode(name: str) -> Mode:
    """Between tags."""
    lexicon = LEXICONS[name]
    markup = lexicon.markup
    assert markup is not None, "only markup has text between tags"
    literals = lexicon.literals if not lexicon.has_code else ()
    rules: list[tuple[str, object]] = [(each.opens, _rule(each)) for each in literals]
    rules += [(each.opens, each) for each in lexicon.regions]
    rules += [(r"</[\w.:-]*\s*>", "end tag"), (r"<(?=[A-Za-z>])", "tag")]
    if markup.hole is not None:
        rules.append((r"\{", Hole(r"\{", "}")))
    rules += [(r"\n", "line end"), (r"[()\[\]{}]", "soft bracket"), (rf"[{_QUOTES}]", "soft quote")]
    return _mode("text", lexicon, rules)


@cache
def tag_mode(name: str) -> Mode:
    """Within a tag, among its attributes."""
    lexicon = LEXICONS[name]
    rules: list[tuple[str, object]] = [(each.opens, _rule(each)) for each in _ATTRIBUTES]
    rules += [(each.opens, each) for each in lexicon.regions]
    if lexicon.markup is not None and lexicon.markup.hole is not None:
        rules.append((r"\{", Hole(r"\{", "}")))
    rules += [("/>", "empty tag end"), (r"(?<!=)>", "tag end"), ("<(?=[A-Za-z/])", "broken tag")]
    rules.append((r"[()\[\]{}]", "soft bracket"))
    return _mode("tag", lexicon, rules)


def base_mode(lexicon: Lexicon) -> Mode:
    """What a file begins in."""
    return code_mode(lexicon.name) if lexicon.has_code else text_mode(lexicon.name)


def _mode(
    kind: ModeKind, lexicon: Lexicon, rules: list[tuple[str, object]], literal: Literal | None = None, closes: str = ""
) -> Mode:
    starts = "".join(sorted({start for pattern, _ in rules for start in starts_of(pattern)}))
    by_group: dict[int, object] = {}
    num_groups = 0
    for pattern, rule in rules:
        by_group[num_groups + 1] = rule
        num_groups += 1 + re.compile(pattern).groups
    by_group[num_groups + 1] = "skip"
    alternatives = "|".join(f"({pattern})" for pattern, _ in rules)
    escaped = re.escape(starts)
    return Mode(
        kind,
        lexicon,
        re.compile(rf"[^{escaped}]*(?:{alternatives}|([{escaped}]))"),
        by_group,
        literal,
        closes,
    )


def starts_of(pattern: str) -> str:
    """The characters that a match may begin with."""
    if pattern[0] == "[":
        return re.sub(r"\\(.)", r"\1", pattern[1 : pattern.rindex("]")])
    bare = re.sub(r"^(?:\((?:\?:)?)*", "", _LOOKAROUND.sub("", _LOOKAROUND.sub("", pattern)))
    return {"n": "\n"}.get(bare[1], bare[1]) if bare[0] == "\\" else bare[0]


def _rule(literal: Literal) -> LiteralRule:
    is_plain = not literal.nests and not literal.is_here_document and "\\1" not in literal.closes
    return LiteralRule(literal, _body(literal) if is_plain else None)


def _body(literal: Literal) -> re.Pattern[str]:
    """What a literal holds, up to its end, a hole, or the end of its line."""
    first, rest = literal.closes[0], literal.closes[1:]
    guard = f"(?!{'|'.join(hole.opens for hole in literal.holes)})" if literal.holes else ""
    stops, goes_on = {first}, list[str]()
    if literal.escape == "backslash":
        stops.add("\\")
        goes_on.append(rf"{guard}\\(?s:.)")
    elif literal.escape == "doubled":
        goes_on.append(re.escape(literal.closes * 2))
    for hole in literal.holes:
        start = starts_of(hole.opens)
        if start not in stops:
            stops.add(start)
            goes_on.append(r"\{\{" if hole.opens == r"\{" else f"{guard}{re.escape(start)}")
    if rest:
        goes_on.append(f"{guard}{re.escape(first)}(?!{re.escape(rest)})")
    if not literal.is_long:
        stops.add("\n")
    plain = f"[^{re.escape(''.join(sorted(stops)))}]*"
    return re.compile(plain + (f"(?:(?:{'|'.join(goes_on)}){plain})*" if goes_on else ""))
