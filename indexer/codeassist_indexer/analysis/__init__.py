"""Static analysis of live text for monitors: which names can stand where one is being written.

Knows no model and no token: it answers the questions of codeassist.request.Analysis, or abstains.
"""
