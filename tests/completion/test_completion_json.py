"""A completion as JSON and back: what a server tells a program is what the program's own completion would say."""

from __future__ import annotations

import json

from codeassist.completion.completion_json import from_document, to_document
from codeassist.request import Completion, InstalledIn, Snippet, Trace, UsedSnippet

OWN = Snippet("a.py", "x = 1\n", 1, 2, "bm25", 0.5, "near")
PACKAGED = Snippet(
    "httpx/_client.py", "class Client: ...\n", 3, 9, "definition", 1.5, "named", InstalledIn("httpx 0.28.1", "/env/lib")
)


def test_a_completion_comes_back_as_it_was() -> None:
    trace = Trace({"decode": 1.25}, num_prompt_tokens=40, num_new_tokens=3, late_sources=("library",), notices=("so",))
    used = (UsedSnippet(OWN, 12), UsedSnippet(PACKAGED, 30))
    said = Completion("né()", "né()", "eos", "fake", used, 0.5, trace, sure="né")
    document = json.loads(json.dumps(to_document(said)))
    assert [each["library"] for each in document["snippets"]] == [None, "httpx 0.28.1"]
    assert document["snippets"][1]["library_folder"] == "/env/lib"
    back = from_document(document)
    assert back == said


def test_what_an_older_server_says_is_read() -> None:
    document = to_document(Completion("x", "x", "eos", "fake", (UsedSnippet(OWN, 12),)))
    for snippet in document["snippets"]:
        del snippet["library"], snippet["library_folder"]
    assert from_document(document).snippets[0].snippet == OWN
