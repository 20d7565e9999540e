"""Ruby.

Definitions know no metaprogramming but the common words that define readers; a module with methods of its own is one
that is mixed in (a trait), any other a namespace.
"""

from __future__ import annotations

import posixpath
import re

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, dotted, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, line_of
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, ends_with, nearest, paths_by_module
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import node_text, one_line
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar, Imports, LanguageSpec, WordBlocks

_READERS = words(
    """attr attr_reader attr_writer attr_accessor mattr_reader mattr_accessor cattr_reader cattr_accessor
    class_attribute thread_mattr_accessor attribute has_many has_one belongs_to has_and_belongs_to_many
    has_one_attached has_many_attached delegate"""
)
_METHODS = words("define_method define_singleton_method alias_method alias_attribute scope helper_method")
_MIXING = words("include extend prepend")
_MADE_CLASSES = re.compile(r"(?:::)?(?:Struct|Class|Data|Module)\.(?:new|define)\b")
_REQUIRING = words("require require_relative require_dependency load autoload")


def _named_type(node: Node, source: bytes, kind: str) -> list[Named]:
    """`class A::B < C`: B of A, with what it includes as its bases."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    superclass = node.child_by_field_name("superclass")
    bases = [node_text(each, source) for each in superclass.named_children] if superclass is not None else []
    for call in _calls(node):
        method, arguments = call.child_by_field_name("method"), call.child_by_field_name("arguments")
        if method is not None and arguments is not None and node_text(method, source) in _MIXING:
            mixed = (each for each in arguments.named_children if each.type in ("constant", "scope_resolution"))
            bases += [node_text(each, source) for each in mixed]
    owner, _, own_name = dotted(node_text(name, source).lstrip(":")).rpartition(".")
    head = one_line(source, node.start_byte, (superclass or name).end_byte)
    return [Named(own_name, kind=kind, owner=owner, encloses=True, head=head, bases=tuple(dict.fromkeys(bases)))]


def _calls(node: Node) -> list[Node]:
    body = node.child_by_field_name("body")
    return [each for each in body.named_children if each.type == "call"] if body is not None else []


def _class(node: Node, source: bytes) -> list[Named]:
    return _named_type(node, source, "class")


def _module(node: Node, source: bytes) -> list[Named]:
    body = node.child_by_field_name("body")
    has_methods = body is not None and any(each.type in ("method", "singleton_method") for each in body.named_children)
    return _named_type(node, source, "trait" if has_methods else "module")


def _method(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    head = one_line(source, node.start_byte, (node.child_by_field_name("parameters") or name).end_byte)
    text = node_text(name, source)
    return [Named(text, kind="constructor" if text == "initialize" else None, encloses=True, head=head)]


def _alias(node: Node, source: bytes) -> list[Named]:
    """`alias new old`."""
    name = node.child_by_field_name("name")
    return [Named(node_text(name, source).lstrip(":"))] if name is not None else []


def _constant(node: Node, source: bytes) -> list[Named]:
    """`A = 1`; `A = Struct.new(:b)` is a class."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None:
        return []
    owner, _, name = dotted(node_text(left, source)).rpartition(".")
    if right is not None and _MADE_CLASSES.match(node_text(right, source)):
        block = right.child_by_field_name("block")
        head = one_line(source, node.start_byte, block.start_byte if block is not None else node.end_byte)
        return [Named(name, kind="class", owner=owner, encloses=True, head=head)]
    return [Named(name, owner=owner)]


def _declared(node: Node, source: bytes) -> list[Named]:
    """`attr_reader :a, :b` and its kind: a name for each symbol that is given by itself."""
    method, arguments = node.child_by_field_name("method"), node.child_by_field_name("arguments")
    word = node_text(method, source) if method is not None else ""
    if arguments is None or (word not in _READERS and word not in _METHODS):
        return []
    given = [each for each in arguments.named_children if each.type in ("simple_symbol", "string")]
    names = [node_text(each, source).strip(":\"'") for each in given]
    if word in _READERS:
        return [Named(name, head=f"{word} :{name}") for name in names]
    return [Named(name, kind="method", head=f"{word} :{name}") for name in names[:1]]


_FORMS = (
    Form("(module)", "module", _module),
    Form("(class)", "class", _class),
    Form("[(method) (singleton_method)]", "function", _method),
    Form("(alias)", "method", _alias),
    Form("(assignment left: [(constant) (scope_resolution)])", "constant", _constant),
    Form("(call !receiver arguments: (argument_list . [(simple_symbol) (string)]))", "field", _declared),
    Form("(lambda)", "scope", nothing),
)


def _require(node: Node, source: bytes) -> list[Import]:
    """`require "a/b"` brings all of it in, `autoload :C, "a/c"` one name. A relative path begins with a dot."""
    method, arguments = node.child_by_field_name("method"), node.child_by_field_name("arguments")
    word = node_text(method, source) if method is not None else ""
    if word not in _REQUIRING or arguments is None:
        return []
    strings = [each for each in arguments.named_children if each.type == "string" and each.named_child_count == 1]
    if not strings:
        return []
    module = node_text(strings[-1], source).strip("\"'")
    if word == "require_relative" and not module.startswith("."):
        module = f"./{module}"
    if word == "autoload":
        name = node_text(arguments.named_children[0], source).strip(":\"'")
        return [Import(module, name, name, line_of(node))]
    return [Import(module, "*", "", line_of(node))]


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """`./a` stands beside the file; `a/b` is a/b.rb in some folder of the load path, as lib is one."""
    module = imported.module.removesuffix(".rb")
    if module.startswith("."):
        return index.existing([posixpath.normpath(posixpath.join(posixpath.dirname(path), f"{module}.rb"))])
    parts = [part for part in module.split("/") if part]
    if not parts:
        return []
    found = paths_by_module(index, parts, ".rb")
    roots = (each.removesuffix(".rb").split("/") for each in found)
    in_load_path = {
        "/".join(each) + ".rb"
        for each in roots
        if ends_with(each, parts) and (len(parts) > 1 or each[-2:-1] in ([], ["lib"], ["spec"], ["test"]))
    }
    return nearest(in_load_path, path)[:1]


def _is_one_line(line: str) -> bool:
    return not line.rstrip().endswith((",", "("))


_LEXICON = Lexicon(
    "ruby",
    (
        Literal(r"(?<![^\s;\x28\x29{}\[\]|,])#(?!\{)", "\n", "none", is_comment=True),
        Literal(r"(?<=\n)=begin\b", "\n=end", "none", is_long=True, is_comment=True),
        Literal(
            r"<<[-~][\"'`]?(\w+)[\"'`]?", r"\1", "none", is_long=True, is_here_document=True, holes=(of.HASH_BRACE,)
        ),
        Literal(r"<<([A-Z_]+)\b", r"\1", "none", is_long=True, is_here_document=True),
        Literal(r"(?<![\w$?])\"", '"', is_long=True, holes=(of.HASH_BRACE,)),
        Literal(r"(?<![\w$?])'", "'", is_long=True),
        Literal(r"(?<![\w$:?.])`", "`", is_long=True, holes=(of.HASH_BRACE,)),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]?\{", "}", is_long=True, nests=True),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]?\(", ")", is_long=True, nests=True),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]?\[", "]", is_long=True, nests=True),
        Literal(r"(?<![\w\x29\]])%[qQwWiIrxs]([|!/])", r"\1", is_long=True),
    ),
    slash_regex=True,
)

LANGUAGE = LanguageSpec(
    name="ruby",
    ids=("ruby",),
    extensions=(".rb", ".rake", ".gemspec", ".ru"),
    interpreters=("ruby", "jruby"),
    file_names=("Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Fastfile", "Capfile", "Brewfile"),
    grammar=Grammar("tree_sitter_ruby"),
    definitions=Definitions(_FORMS),
    imports=Imports(
        forms=(ImportForm("(call !receiver method: (identifier) arguments: (argument_list (string)))", _require),),
        files=_files,
        line=re.compile(r"\n[ \t]*(?:require(?:_relative|_dependency)?|load|autoload)\b"),
        is_one_line=_is_one_line,
    ),
    keywords=words(
        """alias and begin break case class def defined do else elsif end ensure false for if in module next nil not or
        redo rescue retry return self super then true undef unless until when while yield BEGIN END __FILE__ __LINE__
        __method__ require require_relative attr_reader attr_writer attr_accessor include extend private protected
        public raise lambda proc new"""
    ),
    line_comments=("#",),
    lexicon=_LEXICON,
    blocks=WordBlocks(
        header=re.compile(
            r"(?!.*\bend\s*$)(?:\s*(?:class|module|begin|if|unless|while|until|for|case|when|in|else|elsif|rescue|ensure)\b.*"
            r"|\s*(?:private\s+|protected\s+|public\s+)?def\b(?!\s+[\w.]+[?!]?(?:\([^()]*\))?\s+=\s).*"
            r"|.*=\s*(?:if|unless|case|begin)\b.*|.*(?:\bdo|\{)(?:\s*\|[^|]*\|)?\s*)$"
        ),
        function=re.compile(r"(?:\w+\s+)?def\s+(?:self\.)?([^\W\d]\w*[?!]?)"),
        end="end",
        closers=re.compile(r"end\b"),
    ),
    without=frozenset({"analysis"}),
)
