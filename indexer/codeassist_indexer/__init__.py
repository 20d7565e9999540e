"""Repository index: tree-sitter symbols and chunks in SQLite, and the first-form retriever."""
