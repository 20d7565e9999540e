"""What stands before a dot, as far as packages declare it: the type of `client.messages` after `client = Client()`.

Read from the text above the cursor and from the heads of definitions: a variable is what it was last made of, a call
gives what its head says that it returns, an attribute what its type declares. Where one step is not known, nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.retrieval.query.cursor import IDENTIFIER
from codeassist_indexer.retrieval.sources.definitions import has_members
from codeassist_indexer.retrieval.sources.library_reader import LibraryReader
from codeassist_indexer.storage.symbol_reader import Definition

_MOST_STEPS = 6
_MOST_BASES = 48
_TEXT_CHARS = 60_000
_MOST_DECLARED, _MOST_ARGUMENTS = 120, 200  # characters: each place of a text is looked at, however it is written
_CHAIN = r"(?:[^\W\d]\w*\s*(?:\.|::)\s*)*[^\W\d]\w*"
_DOT = re.compile(r"\s*(?:\.|::)\s*")
_MADE_OF = (
    rf"(?:\s*(?::\s*(?P<declared>[^=\n(){{}}]{{1,{_MOST_DECLARED}}}?)\s*)?=|(?:\s*,\s*\w+){{0,3}}\s*:=)"
    rf"\s*(?:await\s+)?(?:new\s+|&)?(?P<made>{_CHAIN})\s*(?P<called>\()?"
)
_ENTERED = rf"\b(?:with|,)\s+(?:await\s+)?(?P<made>{_CHAIN})\s*(?P<called>\()[^\n]{{0,{_MOST_ARGUMENTS}}}\)\s+as\s+"
_PARAMETER = rf"\s*:\s*(?P<declared>[^=\n(){{}},]{{1,{_MOST_DECLARED}}})"
_TYPED = r"(?P<typed>[A-Z][\w.]*)(?:<[^<>\n]{0,80}>)?\s+"
_RETURNED_BEFORE = re.compile(  # `public static Client of(String name)`
    r"(?:(?:public|protected|static|final|abstract|default|synchronized|virtual|override|async|sealed|readonly) ){0,6}"
    r"(?:<[^<>]{0,80}> )?([A-Z][\w.]{0,100}(?:<[\w.<>, ?]{0,100}>)?) \w+\s*(?:[(={;]|$)"
)
_RETURNED_BY_GO = re.compile(  # `func (c *Client) Get(url string) (*Response, error)`
    r"func (?:\([^()]*\) )?\w+(?:\[[^\]]*\])?\((?:[^()]|\([^()]*\))*\)\s*\(?\s*(?:\w+ )?([\w.*\[\]]+)"
)
_RETURNED = re.compile(r".*(?:->|\)\s*:)\s*([^=]+)$")
_FIELD = re.compile(r"^(?:self\.|(?:(?:public|protected|static|readonly|get)\s+)*)\w+(?:\(\))?[?!]?\s*:\s*([^=]+)")
_NO_TYPE = words(
    "Optional Union Annotated Awaitable Coroutine Final ClassVar Any None typing t collections abc type Type"
    " Promise PromiseLike Array Readonly Partial Required NonNullable null undefined void unknown any"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A definition, and the package that it stands in."""

    reader: LibraryReader
    definition: Definition


Imported = Callable[[Sequence[str]], tuple[Place | None, int]]
"""What the beginning of a chain means by the file's imports, and how many of its parts that took."""
Elsewhere = Callable[[LibraryReader, str, tuple[str, ...]], Sequence[Place]]
"""What a name means in files of a package: what they define or import, of other packages too."""


class Receivers:
    """Answers which type an expression of names and dots has, in the text before the cursor."""

    def __init__(
        self,
        text: str,
        imported: Callable[[Sequence[str]], tuple[Place | None, int]],
        find: Elsewhere,
        is_typed_before: bool = False,
    ) -> None:
        self._text = text[-_TEXT_CHARS:]
        self._is_typed_before = is_typed_before  # `Client client`, as in Java
        self._imported = imported
        self._find = find

    def type_of(self, chain: str) -> Place | None:
        """Return the type of what a chain as `self.client.messages` is; None where that is not known."""
        return self._value(_DOT.split(chain), _MOST_STEPS)

    def member(self, of: Place, name: str) -> Place | None:
        """Return the member of a type that has this name, its own or one that it inherits."""
        for each in self._with_bases(of):
            found = each.reader.members(each.definition, name)
            if found:
                return Place(each.reader, found[0])
        return None

    def member_names(self, of: Place) -> list[str]:
        """Return the public names of a type's members, its own first, then those that it inherits."""
        return list(
            dict.fromkeys(name for each in self._with_bases(of) for name in each.reader.member_names(each.definition))
        )

    def _with_bases(self, of: Place) -> Iterator[Place]:
        pending, seen = [of], set[int]()
        while pending and len(seen) <= _MOST_BASES:
            each = pending.pop(0)
            if each.definition.symbol_id in seen:
                continue
            seen.add(each.definition.symbol_id)
            yield each
            files = each.reader.beside(each.definition.path)
            for base in each.definition.bases:
                pending += self._find(each.reader, base.rpartition(".")[2], files)[:1]

    def _value(self, parts: Sequence[str], steps: int) -> Place | None:
        """Return the type of the value that a chain is."""
        if steps <= 0 or not parts:
            return None
        found, num_used = self._imported(parts)
        if found is not None:
            return self._through(found, parts[num_used:], is_value=not has_members(found.definition))
        for length in range(len(parts), 0, -1):  # `self.client` is known as a whole, or not at all
            made = self._made(".".join(parts[:length]), steps)
            if made is not None:
                return self._through(made, parts[length:], is_value=True)
        return None

    def _made(self, name: str, steps: int) -> Place | None:
        """Return the type of what a variable was last made of, entered as, or declared with."""
        written = r"\s*\.\s*".join(map(re.escape, name.split(".")))
        pattern = rf"(?<![\w.])(?:{written}(?:{_MADE_OF}|{_PARAMETER.replace('declared', 'parameter')}))"
        entered = rf"{_ENTERED.replace('made', 'entered').replace('called', 'entered_by')}{written}\b"
        last: re.Match[str] | None = None
        typed = rf"|(?<![\w.]){_TYPED}{written}\s*[=;,):]" if self._is_typed_before else ""
        for match in re.finditer(f"{pattern}|{entered}{typed}", self._text):
            is_other = ":=" in match[0] and self._text[max(0, match.start() - 4) : match.start()].rstrip().endswith(",")
            last = last if is_other else match  # of `client, err := New()` the first has the type
        if last is None:
            return None
        said = last["declared"] or last["parameter"] or last.groupdict().get("typed")
        if said:
            return self._declared_here(said, steps)
        chain = last["made"] or last["entered"]
        parts = _DOT.split(chain)
        if chain == name:
            return None
        return self._called(parts, steps - 1) if last["called"] or last["entered_by"] else self._value(parts, steps - 1)

    def _called(self, parts: Sequence[str], steps: int) -> Place | None:
        """Return the type of what a call of a chain gives."""
        found, num_used = self._imported(parts)
        if found is not None and num_used == len(parts):
            return self._returned(found)
        owner = self._value(parts[:-1], steps) if len(parts) > 1 else None
        method = None if owner is None else self.member(owner, parts[-1])
        if owner is None or method is None:
            return None
        return owner if _returns_self(method.definition) else self._returned(method)

    def _through(self, start: Place, attributes: Sequence[str], is_value: bool) -> Place | None:
        """Return the type of what attributes lead to, one after the other."""
        here = start if has_members(start.definition) else self._returned(start) if is_value else None
        for name in attributes:
            found = None if here is None else self.member(here, name)
            here = None if found is None else self._returned(found)
        return here

    def _returned(self, of: Place) -> Place | None:
        """Return the type that calling a definition gives, or that a field has."""
        definition = of.definition
        if has_members(definition):
            return of
        head = definition.signature
        said = _RETURNED_BY_GO.match(head) or _RETURNED.search(head) or _FIELD.match(head)
        if self._is_typed_before:
            said = _RETURNED_BEFORE.match(head)
        return None if said is None else self._declared(of, said[1])

    def _declared(self, at: Place, said: str) -> Place | None:
        for name in type_names(said):
            for found in self._find(at.reader, name, at.reader.beside(at.definition.path)):
                if has_members(found.definition):
                    return found
        return None

    def _declared_here(self, said: str, steps: int) -> Place | None:
        for name in re.findall(_CHAIN, said.strip("\"' ")):
            if name not in _NO_TYPE:
                found, num_used = self._imported(name.split("."))
                return found if found is not None and num_used == name.count(".") + 1 else None
        return None


def type_names(said: str) -> list[str]:
    """Return the names that may be the type in an annotation, without what only wraps it."""
    return [name for name in IDENTIFIER.findall(said) if name not in _NO_TYPE]


def _returns_self(method: Definition) -> bool:
    said = _RETURNED.search(method.signature)
    names = [name for name in type_names(said[1]) if name not in ("Result", "Option")] if said is not None else []
    return names[:1] == ["Self"]
