"""An oracle for TypeScript and JavaScript: all names that TypeScript's own language service completes at a place.

Needs node and npm's package `typescript` (version 5, whose service is a library of JavaScript).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import IO

from codeassist.processes import find_program
from codeassist_eval.analysis.places import AskedPlace
from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.make import source_texts
from codeassist_indexer.languages.registry import declared_types_of

_SCRIPT = """
const ts = require(process.argv[1]);
const path = require("path");
const edited = new Map();
let root = "", names = [], service = null;
const host = {
  getCompilationSettings: () => ({
    allowJs: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, jsx: ts.JsxEmit.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler, baseUrl: root, experimentalDecorators: true,
  }),
  getScriptFileNames: () => names,
  getScriptVersion: (name) => String(edited.get(name)?.version ?? 0),
  getScriptSnapshot: (name) => {
    const text = edited.get(name)?.text ?? ts.sys.readFile(name);
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
  },
  getCurrentDirectory: () => root,
  getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
  fileExists: ts.sys.fileExists, readFile: ts.sys.readFile, readDirectory: ts.sys.readDirectory,
  directoryExists: ts.sys.directoryExists, getDirectories: ts.sys.getDirectories,
};
function answer(question) {
  if (question.root !== undefined) {
    root = question.root;
    names = question.files.map((file) => path.join(root, file));
    edited.clear();
    service = ts.createLanguageService(host);
    return [];
  }
  const name = path.join(root, question.file);
  const known = edited.get(name);
  edited.set(name, { text: question.text, version: (known?.version ?? 0) + 1 });
  let found;
  try {
    found = service.getCompletionsAtPosition(name, question.offset, { includeCompletionsWithInsertText: true });
  } catch (error) {
    return null;  // the service has bugs of its own
  } finally {
    edited.set(name, { text: ts.sys.readFile(name), version: edited.get(name).version + 1 });
  }
  if (!found || !(found.isMemberCompletion || question.kind === "import")) return null;
  const guessed = ts.ScriptElementKind.warning;
  const sure = found.entries.filter((entry) =>
    entry.kind !== guessed && entry.kind !== ts.ScriptElementKind.keyword && !entry.insertText?.startsWith("[") &&
    !(ts.stringToToken(entry.name) <= ts.SyntaxKind.LastReservedWord));  // members that a torn text seems to declare
  return sure.map((entry) => entry.name);
}
let rest = "";
process.stdin.on("data", (data) => {
  const lines = (rest + data).split("\\n");
  rest = lines.pop();
  for (const line of lines) process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\\n");
});
"""


class TypeScriptService:
    """The service in a process of its own, of one repository at a time. `package`: the folder of npm's `typescript`.

    Raises EvaluationError where it cannot be started or ends.
    """

    def __init__(self, package: Path) -> None:
        node = find_program("node")
        if node is None or not (package / "lib" / "typescript.js").is_file():
            raise EvaluationError(f"{package}: no node on PATH, or no `typescript` of version 5 there (npm install)")
        command = [node, "--max-old-space-size=4096", "-e", _SCRIPT, str(package.resolve())]
        own = package.resolve()
        self._process = subprocess.Popen(command, cwd=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._folder: Path | None = None

    def names(self, asked: AskedPlace) -> frozenset[str] | None:
        """Return all names that can stand at a place; None where the service does not know, or of other languages."""
        rules = declared_types_of(asked.language)
        if rules is None or rules.family != "script":
            return None
        if asked.folder != self._folder:
            self._folder = asked.folder
            files = [path for path in source_texts(asked.folder) if path.endswith(_SUFFIXES)]
            self._ask({"root": str(asked.folder.resolve()), "files": files})
        before = asked.text[: asked.place.start]
        offset = len(before.encode("utf-16-le", "surrogatepass")) // 2
        text = before + asked.request.suffix
        found = self._ask({"file": asked.request.path, "text": text, "offset": offset, "kind": asked.place.kind})
        return frozenset(name for name in found if name.isidentifier()) if found else None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, question: dict[str, object]) -> list[str] | None:
        sent, received = self._process.stdin, self._process.stdout
        assert sent is not None and received is not None
        line = _turn(sent, received, json.dumps(question))
        if not line:
            raise EvaluationError(f"TypeScript's service ended at {question.get('file', question.get('root'))}")
        return json.loads(line)


_SUFFIXES = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")


def _turn(sent: IO[str], received: IO[str], line: str) -> str:
    try:
        sent.write(line + "\n")
        sent.flush()
    except OSError:
        return ""
    return received.readline()
