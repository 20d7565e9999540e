"""Names in Java, C#, TypeScript and JavaScript, from declared types: tree-sitter trees and the index.

What a repository does not declare is unknown, and then nothing is found.
"""
