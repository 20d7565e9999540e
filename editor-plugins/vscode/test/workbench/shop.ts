/** Two files of a small shop, the second of which uses the first: what the real model is shown. */
export const INVENTORY = `"""The stock of a small shop."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    unit_price_cents: int
    quantity: int

    def total_price_cents(self) -> int:
        return self.unit_price_cents * self.quantity
`;
export const REPORT = `"""What the stock is worth."""

from inventory import Item


def stock_value(items: list[Item]) -> int:
    """Return the value of all items, in cents."""
`;
