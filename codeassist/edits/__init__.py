"""Edits as a person would say them: what was changed in a document, in order."""
