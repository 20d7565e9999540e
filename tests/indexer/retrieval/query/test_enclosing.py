"""The function and the type around a cursor, in code that is half written."""

from __future__ import annotations

import pytest

from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.query.cursor import Enclosing, cursor_query, enclosing

PYTHON = """class A(b.Base[int], metaclass=Meta):
    def f(
        self,
    ) -> int:
        if self.x(1):
            return call(
                1,
                """
JAVA = """public class A extends B<C> implements D, E {
  public <T> List<T> f(int a)
      throws X {
    for (int i = 0; i < n; i++) {
      g("""


@pytest.mark.parametrize(
    ("language", "prefix", "expected"),
    [
        ("python", PYTHON, ("f", "A", ("b", "Base"))),
        ("python", "def f():\n    pass\n\n\nx = ", (None, None, ())),
        ("python", "async def f(a):\n    with open(a) as b:\n        ", ("f", None, ())),
        ("python", "@decorated(1)\ndef f(a):\n    # comment(x)\n    return ", ("f", None, ())),
        ("java", JAVA, ("f", "A", ("B", "D", "E"))),
        ("csharp", "namespace N {\n  class A : IB, C {\n    void F()\n    {\n      ", ("F", "A", ("IB", "C"))),
        ("typescript", "class A extends B {\n  constructor(x: T) {\n    this.", ("constructor", "A", ("B",))),
        ("typescript", "class A {\n  run(x: T): U {\n    const y = made(\n      x,\n      ", ("run", "A", ())),
        ("javascript", "const f = async (x) => {\n  return ", ("f", None, ())),
        ("go", "func (s *Server) Serve(c Conn) error {\n\treturn s.", ("Serve", None, ())),
        ("rust", "impl<T> Shape for Circle {\n    fn area(&self) -> f64 {\n        s.", ("area", "Circle", ("Shape",))),
        ("c", "int push(struct list *l, int v)\n{\n    return ", ("push", None, ())),
        ("c", "    ", (None, None, ())),
        ("", "", (None, None, ())),
    ],
)
def test_what_is_around(language: str, prefix: str, expected: tuple[str | None, str | None, tuple[str, ...]]) -> None:
    line_head = cursor_query(CompletionRequest("a", prefix, "")).line_head
    assert enclosing(prefix, line_head, language) == Enclosing(*expected)
