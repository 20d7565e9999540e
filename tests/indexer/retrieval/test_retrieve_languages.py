"""What a file imports, or sees without an import, comes into its prompt as a skeleton: one small project a language."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.query.cursor import cursor_query, distances_near
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.store import Store
from tests.indexer.prepared_files import prepare_unsaved

PHP = "<?php\nnamespace Shop\\Orders;\n\n/** An order. */\nclass Order\n{\n    private int $secret = 1;\n    public function total(float $rate): float\n    {\n        return 1.0;\n    }\n}\n"  # noqa: E501
RUBY = "# An order.\nclass Order\n  attr_reader :lines\n  def total(rate)\n    1\n  end\nend\n"
KOTLIN = "package shop.orders\n\n/** An order. */\nclass Order(val id: Int) {\n    private val secret = 1\n    fun total(rate: Double): Double = 1.0\n}\n"  # noqa: E501
SWIFT = "/// An order.\nstruct Order {\n    private(set) var id: Int = 0\n    private var secret = 1\n    func total(rate: Double) -> Double { 1 }\n}\n"  # noqa: E501
LUA = "local M = {}\n--- The total.\nfunction M.total(rate)\n  return rate\nend\nreturn M\n"
BASH = "# Prints the total.\ntotal_of_order() {\n  echo 1\n}\n"
SCALA = (
    "package shop.orders\n\n/** An order. */\nclass Order(val id: Int) {\n  def total(rate: Double): Double = 1.0\n}\n"
)
SQL = "-- An order.\nCREATE TABLE orders (\n    id INTEGER,\n    total_price NUMERIC\n);\n"
CASES = {
    "php": (
        "src/Orders/Order.php", PHP, "src/App.php",
        "<?php\nuse Shop\\Orders\\Order;\n\nfunction f(Order $order) {\n    $order->",
        "// An order.\nclass Order {\n    public function total(float $rate): float;\n}\n",
    ),
    "ruby": (
        "lib/shop/order.rb", RUBY, "lib/app.rb", "require 'shop/order'\n\norder = Order.new\norder.",
        "# An order.\nclass Order\n  attr_reader :lines\n  def total(rate)\nend\n",
    ),
    "kotlin": (
        "src/Orders.kt", KOTLIN, "app/Main.kt", "import shop.orders.Order\n\nval order = Order(1)\nval x = order.",
        "// An order.\nclass Order(val id: Int) {\n    val id: Int\n    fun total(rate: Double): Double\n}\n",
    ),
    "swift": (
        "Sources/Shop/Order.swift", SWIFT, "Sources/App/main.swift", "import Shop\n\nlet order = Order()\norder.",
        "// An order.\nstruct Order {\n    private(set) var id: Int = 0\n    func total(rate: Double) -> Double\n}\n",
    ),
    "lua": (
        "lua/shop/order.lua", LUA, "lua/app.lua",
        "local order = require('shop.order')\n\nlocal sum = order.total(1)\nlocal x = order.",
        "-- The total.\nfunction M.total(rate)\n",
    ),
    "bash": (
        "lib/orders.sh", BASH, "bin/run.sh", "source ../lib/orders.sh\n\nsum=$(total_of_order",
        "# Prints the total.\ntotal_of_order()\n",
    ),
    "scala": (
        "src/Orders.scala", SCALA, "app/Main.scala",
        "import shop.orders.Order\n\nval order = new Order(1)\nval x = order.",
        "// An order.\nclass Order(val id: Int) {\n    val id: Int\n    def total(rate: Double): Double\n}\n",
    ),
    "sql": (
        "schema.sql", SQL, "queries.sql", "SELECT id FROM orders WHERE ",
        "-- An order.\nCREATE TABLE orders\nid INTEGER\ntotal_price NUMERIC\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", CASES)
def test_the_definition_is_found(language: str, tmp_path: Path) -> None:
    defining, text, path, prefix, skeleton = CASES[language]
    store = Store(tmp_path / "index.db")
    store.write([prepare_unsaved(defining, text), prepare_unsaved(path, prefix + "\n")])
    store.count_terms()
    found = find_candidates(
        store, CompletionRequest(path, prefix, "\n"), store.collection(), Deadline(None), search=LearnedSearch(store)
    )
    assert (defining, skeleton) in [(each.snippet.path, each.snippet.text) for each in found.candidates], found


@pytest.mark.parametrize(
    ("prefix", "line_head"),
    [
        ("$order = new Order();\n", "$order->"),
        ("$order = new \\Shop\\Orders\\Order($id);\n", "$order->"),
        ("function f(?Shop $shop, Order $order) {\n", "    return $order->"),
        ("order = Shop::Order.new(1)\n", "order."),
        ("local order = Order:new()\n", "order."),
        ("val order = Order(1)\n", "order."),
        ("fun f(order: Order) {\n", "    order."),
        ("let order = Order(id: 1)\n", "order."),
        ("Order order;\n", "order."),
    ],
)
def test_the_type_of_what_stands_before_the_dot(prefix: str, line_head: str) -> None:
    request = CompletionRequest("a", prefix + line_head, "")
    assert distances_near(request, cursor_query(request))["Order"] == -1


@pytest.mark.parametrize("language", CASES)
@pytest.mark.parametrize("name", ["report", "notes.txt", "build.v2", "plot.ipynb", "a.go"])
def test_what_a_client_says_decides_what_is_imported(tmp_path: Path, language: str, name: str) -> None:
    path, text, request_path, prefix, skeleton = CASES[language]
    store = Store(tmp_path / "index.db")
    store.write([prepare_unsaved(path, text)])
    named = Path(request_path).with_name(name).as_posix()
    request = CompletionRequest(named, prefix, "\n", language=language)
    found = find_candidates(store, request, store.collection(), Deadline(None)).candidates
    assert skeleton in [each.snippet.text for each in found if each.snippet.source == "definition"]
