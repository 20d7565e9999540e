"""Definitions of imported names: found through every way to import them, rendered as skeletons, the used ones first."""

from pathlib import Path

import pytest

from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.retrieval.query.cursor import cursor_query
from codeassist_indexer.retrieval.rules import imported_definitions
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved

FILES = {
    "shop/__init__.py": "from shop.models import Order as PublicOrder\nfrom .pricing import *\n",
    "shop/models.py": '''class Order:
    """One purchase."""

    currency: str = "EUR"

    def __init__(self, total: int) -> None:
        self.total = total

    def pay(self, amount: int) -> bool:
        """Pay some of it."""
        return amount >= self.total

    def _private(self): ...


class Customer:
    def greet(self) -> str: ...


LIMIT = 3
''',
    "shop/pricing.py": "def discount(order, percent: float) -> float:\n    '''Less.'''\n    return percent\n",
    "shop/tools/__init__.py": "",
    "shop/tools/mail.py": "def send(to: str) -> None:\n    ...\n\n\ndef unused(): ...\n",
    "loop_a.py": "from loop_b import ghost\n",
    "loop_b.py": "from loop_a import ghost\n",
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "index.db")
    made.write([prepare_unsaved(path, text) for path, text in FILES.items()])
    return made


def definitions(store: Store, text: str, path: str = "app.py") -> list[Snippet]:
    """`|` marks the cursor."""
    prefix, _, suffix = text.partition("|")
    request = CompletionRequest(path, prefix, suffix)
    return imported_definitions(store, request, cursor_query(request))


def names(found: list[Snippet]) -> list[str]:
    return [snippet.reason.split()[1].rstrip(",") for snippet in found]


def test_a_class_is_rendered_as_its_skeleton(store: Store) -> None:
    (order,) = definitions(store, "from shop.models import Order\n\norder = Order(|)\n")
    lines = ["class Order:", '    """One purchase."""', '    currency: str = "EUR"']
    assert order.text.splitlines()[:4] == [*lines, "    def __init__(self, total: int) -> None: ..."]
    assert "def pay(self, amount: int) -> bool: ..." in order.text
    assert "amount >=" not in order.text
    assert (order.path, order.source, order.reason) == (
        "shop/models.py",
        "definition",
        "defines Order, imported in line 1",
    )
    assert (order.start_line, order.end_line) == (1, 14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from shop import PublicOrder\nPublicOrder(|", ["Order"]),
        ("from shop import discount\ndiscount(|", ["discount"]),
        ("from shop.pricing import *\ndiscount(|", ["discount"]),
        ("from shop.models import Order as O\nO(|", ["Order"]),
        ("import shop.pricing as p\np.discount(|", ["discount"]),
        ("import shop.pricing\nshop.pricing.discount(|", ["discount"]),
        ("from shop.tools import mail\nmail.send(|", ["send"]),
        ("from shop.models import LIMIT\nLIMIT|", ["LIMIT"]),
        ("from loop_a import ghost\nghost(|", []),
        ("import os\nfrom nowhere import thing\nthing(|", []),
    ],
)
def test_every_way_to_import(store: Store, text: str, expected: list[str]) -> None:
    assert names(definitions(store, text)) == expected


def test_relative_imports(store: Store) -> None:
    found = definitions(store, "from ..models import Order\nOrder(|", path="shop/tools/report.py")
    assert names(found) == ["Order"]


def test_what_is_used_near_the_cursor_comes_first(store: Store) -> None:
    text = "from shop.models import Customer, Order\nfrom shop.pricing import discount\n" + "\n" * 3
    far = "\n".join(f"line_{n} = {n}" for n in range(30))
    assert names(definitions(store, f"{text}{far}\nx = discount(|")) == ["discount", "Customer", "Order"]
    assert names(definitions(store, f"{text}{far}\nx = Order(1)\ny = discount(|")) == ["discount", "Order", "Customer"]


def test_the_type_of_what_stands_before_the_dot_comes_first_of_all(store: Store) -> None:
    text = "from shop.models import Customer, Order\n"
    far = "\n".join(f"line_{n} = {n}" for n in range(30))
    for made in ("it = Order(3)", "def f(it: Order): ...", "self.it = Order(3)"):
        found = definitions(store, f"{text}{made}\n{far}\nCustomer().greet()\nit.|\n")
        assert names(found)[0] == "Order"


def test_unfinished_and_broken_code_still_has_its_imports(store: Store) -> None:
    found = definitions(store, "from shop.models import Order\n\ndef f(:\n  ((\nx = Order(|\nclass\n")
    assert names(found) == ["Order"]


def test_the_file_s_own_definitions_are_left_out(store: Store) -> None:
    assert definitions(store, "from shop.models import Order\nOrder(|", path="shop/models.py") == []


def test_a_file_in_no_known_language_has_none(store: Store) -> None:
    assert definitions(store, "from shop.models import Order\n|", path="notes.md") == []


def test_a_class_in_braces_shows_what_other_files_may_use(store: Store) -> None:
    text = """package shop;

/** A place. */
public class Depot {
    private static final String KEY = "k";
    public int size;

    public Depot(int size) { this.size = size; }

    public String label(int row) { return KEY + row; }

    private void hide() {}
}
"""
    store.write([prepare_unsaved("src/shop/Depot.java", text)])
    (depot,) = definitions(store, "import shop.Depot;\n\nclass A {\n  Depot d = new Depot(|", path="src/app/A.java")
    assert depot.text.splitlines()[1:] == [
        "public class Depot {", "    public int size;", "    public Depot(int size);",
        "    public String label(int row);", "}",
    ]  # fmt: skip


OTHER_LANGUAGES = {
    "lib/http.ts": "export interface Options { retries: number }\nexport default class Client { get(url: string) {} }",
    "lib/index.ts": "export * from './http';\n",
    "internal/store/store.go": "package store\n\ntype DB struct {}\n\nfunc Open(path string) *DB { return nil }\n",
    "main_more.go": "package main\n\nfunc helper(n int) int { return n }\n",
    "src/config.rs": "pub struct Config {}\n\nimpl Config {\n    pub fn load() -> Config { todo!() }\n}\n",
    "Shop/Data/Order.cs": "namespace Acme.Shop.Data { public class Order { public void Pay(int n) {} } }\n",
    "util.h": "struct list { int size; };\nint list_size(struct list *l);\n",
}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("app.ts", "import { Options } from './lib';\nconst o: Options = |", "retries: number"),
        ("app.ts", "import Client from './lib/http';\nnew Client().|", "get(url: string)"),
        ("app.ts", "import * as http from './lib/http';\nlet o: http.Options = |", "retries: number"),
        ("main.go", 'package main\nimport "x.org/internal/store"\nvar db = store.Open(|', "func Open(path string)"),
        ("main.go", "package main\n\nfunc main() {\n\thelper(|", "func helper(n int) int"),
        ("src/main.rs", "mod config;\nuse crate::config::Config;\n\nfn main() {\n    Config::|", "fn load() -> Config"),
        ("Shop/Program.cs", "using Acme.Shop.Data;\n\nclass P { void M(Order order) { order.|", "void Pay(int n)"),
        ("main.c", '#include "util.h"\n\nint main(void) {\n  struct list l; return list_size(|', "struct list"),
    ],
)  # fmt: skip
def test_other_languages(store: Store, path: str, text: str, expected: str) -> None:
    store.write([prepare_unsaved(path, text) for path, text in OTHER_LANGUAGES.items()])
    assert any(expected in found.text for found in definitions(store, text, path))
