"""Names in Java, C#, TypeScript and JavaScript, from declared types: tree-sitter trees and the index.

Knows no compiler and no library: what a repository does not declare is unknown, and then nothing is found.
"""
