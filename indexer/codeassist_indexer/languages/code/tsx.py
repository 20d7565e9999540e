"""TypeScript with markup in it: another grammar, and another name in editors."""

from __future__ import annotations

from dataclasses import replace

from codeassist_indexer.languages.code.javascript import LANGUAGE as JAVASCRIPT
from codeassist_indexer.languages.code.typescript import LANGUAGE as TYPESCRIPT
from codeassist_indexer.languages.spec import Grammar

LANGUAGE = replace(
    TYPESCRIPT,
    name="tsx",
    ids=("typescriptreact",),
    extensions=(".tsx",),
    interpreters=(),
    grammar=Grammar("tree_sitter_typescript", "language_tsx"),
    lexicon=JAVASCRIPT.lexicon,
)
