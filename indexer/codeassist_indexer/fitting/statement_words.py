"""Words with which a statement begins, in any language, and which no name is followed by. Pure."""

from __future__ import annotations

# fmt: off
STATEMENT_WORDS = frozenset((
    "begin", "break", "case", "catch", "class", "const", "continue", "def", "default", "defer", "delete", "do",
    "elif", "else", "elseif", "elsif", "end", "endif", "ensure", "enum", "except", "export", "extends", "extern",
    "fi", "final", "finally", "fn", "for", "foreach", "from", "func", "function", "goto", "guard", "if", "impl",
    "import", "include", "interface", "internal", "let", "local", "loop", "match", "mod", "module", "namespace",
    "nonlocal", "object", "override", "package", "pass", "print", "private", "protected", "protocol", "public",
    "raise", "require", "rescue", "return", "select", "static", "struct", "switch", "then", "throw", "trait", "try",
    "type", "typedef", "union", "unless", "until", "use", "using", "val", "var", "virtual", "when", "while", "with",
    "yield",
))
# fmt: on
"""All of them."""
