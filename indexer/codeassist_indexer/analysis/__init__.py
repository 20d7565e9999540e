"""Static analysis of live text for monitors: which names can stand where one is being written.

It answers the questions of codeassist.request.Analysis, or abstains.
"""
