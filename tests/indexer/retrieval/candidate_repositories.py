"""Small repositories in three languages, each with something for every source of candidates, and a cursor in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codeassist.request import CompletionRequest
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store


def _pad(what: str) -> str:
    return "\n".join(f"# {what} {n}: nothing of interest stands here" for n in range(25)) + "\n"


@dataclass(frozen=True, slots=True)
class Repository:
    """Files by path; `|` marks the cursor in the one that is edited."""

    files: dict[str, str]
    edited: str

    @property
    def request(self) -> CompletionRequest:
        prefix, _, suffix = self.files[self.edited].partition("|")
        return CompletionRequest(self.edited, prefix, suffix)

    def index(self, folder: Path) -> Store:
        """Write the files into `folder` and index them."""
        for path, text in self.files.items():
            file = folder / "repo" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("|", "", 1) if path == self.edited else text, encoding="utf-8")
        store = Store(folder / "cache" / "index.db")
        update_index(store, folder / "repo")
        return store


PYTHON = Repository(
    {
        "shop/orders.py": '''from shop.base import Handler
from shop.money import Price


class OrderHandler(Handler):
    """Handles orders."""

    def handle_order(self, basket, ledger):
        price = Price(basket.total)
        ledger.book_entry(price)
        price.|
''',
        "shop/base.py": '''class Handler:
    """Handles something."""

    def handle_order(self, basket, ledger): ...
''',
        "shop/money.py": '''from shop.rates import Currency


class Price:
    """An amount of money."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    def convert(self, currency: Currency) -> "Price": ...
''',
        "shop/rates.py": "class Currency:\n    code: str = 'EUR'\n",
        "books/ledger.py": '''class Ledger:
    """Keeps entries."""

    def book_entry(self, price): ...
''',
        "shop/refunds.py": """from shop.base import Handler


class RefundHandler(Handler):
    def handle_order(self, basket, ledger):
        return -basket.total
""",
        "app/main.py": _pad("remark")
        + "def serve(handler, basket, ledger):\n    handler.handle_order(basket, ledger)\n",
        "tests/test_orders.py": "def test_total():\n    assert total_of([1, 2]) == 3\n",
        "shop/unrelated.py": "def nothing():\n    return 0\n",
        "notes/plan.py": _pad("plan") + "\ndef planned_feature():\n    return 'soon'\n",
    },
    "shop/orders.py",
)

JAVA = Repository(
    {
        "src/main/java/shop/OrderHandler.java": """package shop;

import shop.money.Price;

public class OrderHandler implements Handler {
    public int handleOrder(Basket basket) {
        Price price = new Price(basket.total());
        return price.|
    }
}
""",
        "src/main/java/shop/Handler.java": "package shop;\n\ninterface Handler {\n    int handleOrder(Basket b);\n}\n",
        "src/main/java/shop/Basket.java": "package shop;\n\nclass Basket {\n    int total() { return 1; }\n}\n",
        "src/main/java/shop/money/Price.java": """package shop.money;

public class Price {
    public Price(int amount) { }
    public Currency currency() { return null; }
}
""",
        "src/main/java/shop/money/Currency.java": "package shop.money;\n\npublic class Currency { }\n",
        "src/main/java/shop/RefundHandler.java": """package shop;

public class RefundHandler implements Handler {
    public int handleOrder(Basket basket) { return -basket.total(); }
}
""",
        "src/main/java/app/Main.java": """package app;

public class Main {
    void serve(shop.Handler handler, shop.Basket basket) {
        handler.handleOrder(basket);
    }
}
""",
        "src/test/java/shop/OrderHandlerTest.java": "package shop;\n\nclass OrderHandlerTest {\n    void x() { }\n}\n",
    },
    "src/main/java/shop/OrderHandler.java",
)

TYPESCRIPT = Repository(
    {
        "src/orders.ts": """import { Price } from "./money";
import { Handler } from "./base";

export class OrderHandler extends Handler {
  handleOrder(basket: Basket): number {
    const price = new Price(basket.total);
    return price.|
  }
}
""",
        "src/base.ts": "export abstract class Handler {\n  abstract handleOrder(basket: Basket): number;\n}\n",
        "src/money.ts": """import { Currency } from "./rates";

export class Price {
  constructor(readonly amount: number) {}
  convert(to: Currency): Price { return this; }
}
""",
        "src/rates.ts": "export class Currency {\n  code = 'EUR';\n}\n",
        "lib/basket.ts": "export interface Basket {\n  total: number;\n}\n",
        "src/refunds.ts": """import { Handler } from "./base";

export class RefundHandler extends Handler {
  handleOrder(basket: Basket): number { return -basket.total; }
}
""",
        "app/main.ts": "export function serve(handler: Handler, basket: Basket) {\n  handler.handleOrder(basket);\n}\n",
        "src/orders.test.ts": "test('total', () => { expect(1).toBe(1); });\n",
    },
    "src/orders.ts",
)
