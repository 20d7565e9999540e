"""The process that parses files: it is sent texts, and may be killed by any of them."""

from __future__ import annotations

from codeassist_indexer.ingest.file_messages import ParsedText, answer_line, read_question
from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.secrets.redaction import redact
from codeassist_indexer.storage.lexical import code_tokens
from codeassist_indexer.workers.question_loop import answer_questions

FILE_CPU_S = 1.5
"""A file of 512 KiB, the largest that is indexed, takes 0.15 to 0.3 s (2 cores, AVX-512, 2026-11-30)."""
MEMORY_BYTES = 1 << 30
_IDLE_S = 60.0

NOT_INDEXED = "language is not indexed"


def main() -> None:
    """Answer each line of standard input until it ends, or until none has come for a minute."""
    answer_questions(
        lambda line: answer_line(parse_text(*read_question(line))), FILE_CPU_S, MEMORY_BYTES, idle_s=_IDLE_S
    )


def parse_text(path: str, text: str) -> ParsedText:
    """Clear a file's text of secrets, parse it, and split its chunks into tokens."""
    try:
        redaction = redact(text, path)
        parsed = parse_file(path, redaction.text)
        if parsed is None:
            return ParsedText(None, skip_reason=NOT_INDEXED)
        tokens = tuple(" ".join(code_tokens(chunk.text, parsed.language)) for chunk in parsed.chunks)
    except RecursionError:
        return ParsedText(None, skip_reason="nested too deeply")
    except MemoryError:
        return ParsedText(None, skip_reason="takes too much memory to parse")
    return ParsedText(parsed, tokens, len(redaction.lines))


if __name__ == "__main__":
    main()
