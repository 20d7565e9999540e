"""From an import as it is written to the files that define what it names, in small projects of each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.languages.registry import files_of_import
from codeassist_indexer.storage.file_records import FileState, PreparedFile
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import PathReader

PHP = {
    "src/Store/Item.php": "<?php\nnamespace Shop\\Store;\nclass Item {}\n",
    "src/Store/helpers.php": "<?php\nnamespace Shop\\Store;\nfunction format_price() {}\nconst LIMIT = 1;\n",
    "lib/Other/Item.php": "<?php\nnamespace Other;\nclass Item {}\n",
    "src/bootstrap.php": "<?php\nfunction boot() {}\n",
    "src/Legacy.php": "<?php\nclass Legacy {}\n",
}
RUBY = {
    "lib/shop/store/item.rb": "module Shop; module Store; class Item; end; end; end\n",
    "lib/shop.rb": "module Shop; end\n",
    "lib/deep/shop.rb": "module Deep; end\n",
    "spec/spec_helper.rb": "x = 1\n",
    "app/models/json.rb": "class Json; end\n",
}
KOTLIN = {
    "app/src/store/Things.kt": "package shop.store\nclass Item\nclass Price {\n    companion object {\n    }\n}\n",
    "app/src/store/More.kt": "package shop.store\nfun format(x: Int) = x\n",
    "app/src/Item.kt": "package other\nclass Item\n",
    "app/java/shop/old/Legacy.java": "package shop.old;\nclass Legacy {}\n",
}
SCALA = {
    "src/Things.scala": "package shop.store\nclass Item\nobject Prices { val max = 1 }\n",
    "src/Chained.scala": "package shop\npackage tools\nclass Tool\n",
    "src/Other.scala": "package other\nclass Item\n",
}
SWIFT = {
    "Sources/Store/Item.swift": "struct Item {}\n",
    "Sources/Store/Inner/Price.swift": "struct Price {}\n",
    "Sources/App/App.swift": "struct App {}\n",
    "Packages/Tools/Sources/Tools/Tool.swift": "struct Tool {}\n",
    "Sources/Deep/Only/Inner.swift": "struct Inner {}\n",
}
LUA = {
    "lua/shop/item.lua": "local M = {}\nreturn M\n",
    "lua/shop/tools/init.lua": "local M = {}\nreturn M\n",
    "other/item.lua": "return {}\n",
    "setup.lua": "x = 1\n",
}
BASH = {
    "lib/common.sh": "total() { :; }\n",
    "bin/names.sh": "a=1\n",
    "deep/lib/store.sh": "b=1\n",
}
CASES = [
    (PHP, "src/App.php", "<?php\nuse Shop\\Store\\Item;\n", ["src/Store/Item.php"]),
    (PHP, "src/App.php", "<?php\nuse Shop\\Store\\{Item as A};\n", ["src/Store/Item.php"]),
    (PHP, "src/App.php", "<?php\nuse Other\\Item;\n", ["lib/Other/Item.php"]),
    (PHP, "src/App.php", "<?php\nuse function Shop\\Store\\format_price;\n", ["src/Store/helpers.php"]),
    (PHP, "src/App.php", "<?php\nuse const Shop\\Store\\LIMIT;\n", ["src/Store/helpers.php"]),
    (PHP, "src/App.php", "<?php\nuse Psr\\Log\\Item;\n", []),
    (PHP, "src/App.php", "<?php\nuse Legacy;\n", ["src/Legacy.php"]),
    (PHP, "public/index.php", "<?php\nrequire_once __DIR__ . '/../src/bootstrap.php';\n", ["src/bootstrap.php"]),
    (PHP, "a/b.php", "<?php\ninclude(dirname(__FILE__, 9) . '/src/bootstrap.php');\n", ["src/bootstrap.php"]),
    (PHP, "a/b.php", "<?php\nrequire $file;\n", None),
    (RUBY, "bin/run.rb", "require 'shop/store/item'\n", ["lib/shop/store/item.rb"]),
    (RUBY, "lib/shop/store/price.rb", "require_relative 'item'\n", ["lib/shop/store/item.rb"]),
    (RUBY, "lib/shop/price.rb", "require_relative '../shop.rb'\n", ["lib/shop.rb"]),
    (RUBY, "bin/run.rb", 'require "shop"\n', ["lib/shop.rb"]),
    (RUBY, "bin/run.rb", 'require "json"\n', []),
    (RUBY, "spec/a_spec.rb", 'require "spec_helper"\n', ["spec/spec_helper.rb"]),
    (RUBY, "lib/shop.rb", 'autoload :Item, "shop/store/item"\n', ["lib/shop/store/item.rb"]),
    (KOTLIN, "app/src/Main.kt", "package shop\nimport shop.store.Item\n", ["app/src/store/Things.kt"]),
    (KOTLIN, "app/src/Main.kt", "import shop.store.format as f\n", ["app/src/store/More.kt"]),
    (KOTLIN, "app/src/Main.kt", "import shop.store.*\n", ["app/src/store/More.kt", "app/src/store/Things.kt"]),
    (KOTLIN, "app/src/Main.kt", "import shop.store.Price.Companion\n", ["app/src/store/Things.kt"]),
    (KOTLIN, "app/src/Main.kt", "import shop.old.Legacy\n", ["app/java/shop/old/Legacy.java"]),
    (KOTLIN, "app/src/Main.kt", "import kotlin.math.max\n", []),
    (SCALA, "src/Main.scala", "import shop.store.Item\n", ["src/Things.scala"]),
    (SCALA, "src/Main.scala", "import shop.store._\n", ["src/Things.scala"]),
    (SCALA, "src/Main.scala", "import shop.store.Prices._\n", ["src/Things.scala"]),
    (SCALA, "src/Main.scala", "import shop.tools.{Tool => T}\n", ["src/Chained.scala"]),
    (SCALA, "src/Main.scala", "import scala.util.Try\n", []),
    (SWIFT, "Tests/AppTests/A.swift", "@testable import Store\n",
     ["Sources/Store/Item.swift", "Sources/Store/Inner/Price.swift"]),
    (SWIFT, "Tests/AppTests/A.swift", "import Foundation\n", []),
    (SWIFT, "Sources/App/B.swift", "import struct Tools.Tool\n", ["Packages/Tools/Sources/Tools/Tool.swift"]),
    (SWIFT, "Sources/App/B.swift", "import Deep\n", ["Sources/Deep/Only/Inner.swift"]),
    (LUA, "lua/shop/app.lua", 'local item = require("shop.item")\n', ["lua/shop/item.lua"]),
    (LUA, "lua/shop/app.lua", "local t = require 'shop.tools'\n", ["lua/shop/tools/init.lua"]),
    (LUA, "a.lua", 'dofile("setup.lua")\n', ["setup.lua"]),
    (LUA, "a.lua", 'require("socket")\n', []),
    (BASH, "bin/run.sh", "source ../lib/common.sh\n", ["lib/common.sh"]),
    (BASH, "bin/run.sh", '. "$(dirname "$0")/names.sh"\n', ["bin/names.sh"]),
    (BASH, "bin/run.sh", 'source "${HERE}/lib/store.sh"\n', ["deep/lib/store.sh"]),
    (BASH, "bin/run.sh", '. "$1"\n', None),
]  # fmt: skip


@pytest.mark.parametrize(("project", "path", "text", "expected"), CASES, ids=[f"{c[1]} {c[2]!r}" for c in CASES])
def test_import(project: dict[str, str], path: str, text: str, expected: list[str] | None, tmp_path: Path) -> None:
    store = Store(tmp_path / "index.db")
    files = {each: parse_file(each, content) for each, content in project.items()}
    state = FileState(b"", 0, 0, 0)
    store.write(
        [PreparedFile(each, state, parsed, ("",) * len(parsed.chunks)) for each, parsed in files.items() if parsed]
    )
    main = parse_file(path, text)
    assert main is not None
    if expected is None:
        assert main.imports == ()
        return
    (imported,) = main.imports
    assert files_of_import(PathReader(store), path, main.language, imported) == expected
