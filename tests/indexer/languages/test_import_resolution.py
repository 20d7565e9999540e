"""An import leads to the right file, in each language's layouts. Only paths matter here, so nothing is parsed."""

import pytest

from codeassist_indexer.languages.forms.parsed import Import, ParsedFile
from codeassist_indexer.languages.registry import files_of_import
from codeassist_indexer.storage.file_records import FileState, PreparedFile
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import PathReader

TREES = {
    "python": """top.py src/pkg/__init__.py src/pkg/core.py src/pkg/sub/__init__.py src/pkg/sub/leaf.py
        src/pkg/space/member.py other/pkg/core.py tests/test_core.py tests/helpers.py""",
    "typescript": """src/app.ts src/lib/http.ts src/lib/index.ts src/ui/Button.tsx src/ui/old.js packages/x/index.ts
        other/lib/http.ts""",
    "java": """app/java/com/acme/App.java app/java/com/acme/io/Reader.java
        app/java/com/acme/io/Writer.java lib/java/com/acme/io/Reader.java""",
    "csharp": "Shop/Program.cs Shop/Data/Order.cs Shop/Data/Customer.cs Other/Data/Order.cs",
    "go": "main.go internal/store/store.go internal/store/store_test.go internal/store/open.go api/store/api.go",
    "rust": """crates/app/src/main.rs crates/app/src/config.rs crates/app/src/net/mod.rs crates/app/src/net/client.rs
        crates/core-lib/src/lib.rs crates/core-lib/src/model.rs""",
    "c": "src/main.c src/util.h include/proj/list.h include/other/list.h",
}
CASES = [
    ("python", "src/pkg/core.py", "pkg.sub.leaf", "run", ["src/pkg/sub/leaf.py"]),
    ("python", "src/pkg/core.py", "pkg.sub", "leaf", ["src/pkg/sub/__init__.py", "src/pkg/sub/leaf.py"]),
    ("python", "src/pkg/core.py", ".sub.leaf", "run", ["src/pkg/sub/leaf.py"]),
    ("python", "src/pkg/sub/leaf.py", "..core", "f", ["src/pkg/core.py"]),
    ("python", "src/pkg/sub/leaf.py", "..", "core", ["src/pkg/__init__.py", "src/pkg/core.py"]),
    ("python", "src/pkg/sub/leaf.py", ".", "x", ["src/pkg/sub/__init__.py"]),
    ("python", "tests/test_core.py", "pkg.core", "f", ["src/pkg/core.py"]),
    ("python", "other/pkg/user.py", "pkg.core", "f", ["other/pkg/core.py"]),
    ("python", "tests/test_core.py", "helpers", "h", ["tests/helpers.py"]),
    ("python", "tests/test_core.py", "pkg.space", "member", ["src/pkg/space/member.py", "src/pkg/space/member.py"]),
    ("python", "top.py", "numpy.linalg", "norm", []),
    ("typescript", "src/app.ts", "./lib/http", "get", ["src/lib/http.ts"]),
    ("typescript", "src/app.ts", "./lib", "get", ["src/lib/index.ts"]),
    ("typescript", "src/ui/Button.tsx", "../lib/http.js", "get", ["src/lib/http.ts"]),
    ("typescript", "src/app.ts", "./ui/Button", "Button", ["src/ui/Button.tsx"]),
    ("typescript", "src/ui/Button.tsx", "@/lib/http", "get", ["src/lib/http.ts"]),
    ("typescript", "src/app.ts", "react", "useState", []),
    ("java", "app/java/com/acme/App.java", "com.acme.io", "Reader", ["app/java/com/acme/io/Reader.java"]),
    ("java", "app/java/com/acme/App.java", "com.acme.io.Reader", "", ["app/java/com/acme/io/Reader.java"]),
    ("java", "app/java/com/acme/App.java", "com.acme.io.Writer", "open", ["app/java/com/acme/io/Writer.java"]),
    ("java", "app/java/com/acme/App.java", "java.util", "List", []),
    ("csharp", "Shop/Program.cs", "Acme.Shop.Data", "", ["Shop/Data/Customer.cs", "Shop/Data/Order.cs"]),
    ("go", "main.go", "example.com/acme/internal/store", "", ["internal/store/open.go", "internal/store/store.go"]),
    ("go", "main.go", "fmt", "", []),
    ("rust", "crates/app/src/main.rs", "crate::config", "Config", ["crates/app/src/config.rs"]),
    ("rust", "crates/app/src/net/client.rs", "crate::net", "Pool", ["crates/app/src/net/mod.rs"]),
    ("rust", "crates/app/src/net/client.rs", "super", "Pool", ["crates/app/src/net/mod.rs"]),
    ("rust", "crates/app/src/net/mod.rs", "self::client", "Client", ["crates/app/src/net/client.rs"]),
    ("rust", "crates/app/src/main.rs", "core_lib::model", "Row", ["crates/core-lib/src/model.rs"]),
    ("rust", "crates/app/src/main.rs", "std::fmt", "Debug", []),
    ("c", "src/main.c", "util.h", "", ["src/util.h"]),
    ("c", "src/main.c", "proj/list.h", "", ["include/proj/list.h"]),
    ("c", "src/main.c", "stdio.h", "", []),
]  # fmt: skip


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    made: dict[str, Store] = {}
    state = FileState(b"", 0, 0, 0)
    for language, paths in TREES.items():
        made[language] = Store(tmp_path_factory.mktemp(language) / "index.db")
        empty = ParsedFile(language, (), (), (), has_error=False)
        made[language].write([PreparedFile(path, state, empty) for path in paths.split()])
    return made


@pytest.mark.parametrize(("language", "path", "module", "name", "expected"), CASES)
def test_import(
    stores: dict[str, Store], language: str, path: str, module: str, name: str, expected: list[str]
) -> None:
    found = files_of_import(PathReader(stores[language]), path, language, Import(module, name, name, 1))
    first = found[:1] if language in ("rust", "go") and len(expected) == 1 else found
    assert first == expected


def test_a_package_imported_whole_gives_its_files(stores: dict[str, Store]) -> None:
    path = "app/java/com/acme/App.java"
    found = files_of_import(PathReader(stores["java"]), path, "java", Import("com.acme.io", "*", "", 1))
    assert [p.rpartition("/")[2] for p in found] == ["Reader.java", "Writer.java", "Reader.java"]


def test_any_import_text_is_survived(stores: dict[str, Store]) -> None:
    for language, store in stores.items():
        for module in ("", ".", "..", "......x", "/", "::", "crate", "super::super::super::x", "a..b", '""', "./", "@"):
            for path in ("a.x", "a/b.x", "src/lib.rs"):
                for name in ("", "*", "n"):
                    files_of_import(PathReader(store), path, language, Import(module, name, name, 1))
