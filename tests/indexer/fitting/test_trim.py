"""What users of completion tools complain of, as they see it, in the languages where they see it.

The numbers are those of the list of complaints that this project starts from: 7 brackets and lines twice,
8 indentation, 9 leaked tokens and stops, 13 line ends and wide characters, 15 stale suggestions. `│` is the cursor.
"""

from __future__ import annotations

import pytest

from codeassist.prompts.templates import special_token_texts
from codeassist_indexer.fitting.trim import Fitted, fit, lines_wanted, trim
from tests.indexer.fitting.places import inserted


def trimmed(place: str, answer: str, path: str) -> str:
    prefix, _, suffix = place.partition("│")
    return trim(answer, prefix, suffix, path)


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", "print(│)\n", "name)", "name"),
        ("a.py", "x = foo(bar(│))\n", "a, b))", "a, b"),
        ("a.py", "x = foo(bar(│)\n", "a, b))", "a, b)"),
        ("a.py", "x = [│]\n", "1, 2]", "1, 2"),
        ("a.py", "d = {│}\n", '"a": 1}', '"a": 1'),
        ("a.js", "foo(│);\n", "a, b);", "a, b"),
        ("a.js", "foo((x) => {│});\n", " return x; });", " return x; "),
        ("a.ts", "const a: Array<string> = [│];\n", "'x', 'y'];", "'x', 'y'"),
        ("a.tsx", "const a = <div>{items.map(│)}</div>;\n", "x => x.name)}", "x => x.name"),
        ("A.java", "class A {\n    int f() {\n        return g(│);\n    }\n}\n", "1, 2);", "1, 2"),
        ("a.c", "int f(void) {\n    return g(│);\n}\n", "1, h(2));", "1, h(2)"),
        ("a.cpp", "std::vector<int> v{│};\n", "1, 2};", "1, 2"),
        ("a.cs", "class A {\n    void F() {\n        G(│);\n    }\n}\n", "x => x + 1);", "x => x + 1"),
        ("a.go", "func f() {\n\tg(│)\n}\n", "1, 2)", "1, 2"),
        ("a.rs", "fn main() {\n    let v = vec![│];\n}\n", "1, 2];", "1, 2"),
        ("a.go", "// as in suite.Run(│)\npackage a\n", "t, new(T))", "t, new(T)"),
        ("a.go", "// as in suite.Run(│)\npackage a\n", "t, new(T)", "t, new(T)"),
        ("notes.txt", "see (│)\n", "above)", "above"),
    ],
)
def test_7_closing_bracket_twice_on_the_line(path: str, place: str, answer: str, expected: str) -> None:
    assert trimmed(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.js", "function f() {\n  if (x) {\n    │\n  }\n}\n", "g();\n  }\n}", "g();"),
        ("a.ts", "const f = (x: number) => {│}\n", "\n  return x;\n}", "\n  return x;\n"),
        ("A.java", "class A {\n    void f() {\n        │\n    }\n}\n", "g();\n    }\n}", "g();"),
        ("a.c", "int f(void)\n{\n    │\n}\n", "return 1;\n}", "return 1;"),
        ("a.cpp", "namespace a {\nint f() {\n  │\n}\n}  // namespace a\n", "return 1;\n}", "return 1;"),
        (
            "a.cs",
            "namespace N\n{\n    class A\n    {\n        void F()\n        {\n            │\n        }\n    }\n}\n",
            "G();\n        }\n    }",
            "G();",
        ),
        ("a.go", "func f() {\n\tfor {\n\t\t│\n\t}\n}\n", "g()\n\t}\n}", "g()"),
        ("a.rs", "fn f() -> i32 {\n    │\n}\n", "let x = 1;\n    x\n}", "let x = 1;\n    x"),
        ("a.py", "x = {\n    │\n}\n", '"a": 1,\n}', '"a": 1,'),
    ],
)
def test_7_closing_bracket_twice_below(path: str, place: str, answer: str, expected: str) -> None:
    assert trimmed(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.py", "x = foo(│\n", "a, b)"),
        ("a.js", "function f() {│\n\nfunction g() {\n}\n", "\n  return 1;\n}"),
        ("a.ts", "interface A {\n  a: string;\n│\ninterface B {\n}\n", "}"),
        ("A.java", "class A {\n    void f() {\n        if (x) {│\n    }\n}\n", "\n            g();\n        }"),
        ("a.c", "int f(int a,\n      int b) {\n  return a;\n│\n\nint g(void) {\n  return 1;\n}\n", "}"),
        ("a.cpp", "namespace a {\nint f() {\n  return 1;\n│\n}  // namespace a\n", "}"),
        ("a.cs", "class A\n{\n    void F()\n    {\n        G();\n    │\n\n    void H()\n    {\n    }\n}\n", "}"),
        ("a.go", "func f() {\n\tif x {\n\t\tg()\n\t│\n}\n", "}"),
        ("a.rs", "impl A {\n    fn f(&self) {\n        g();\n    │\n}\n", "}"),
    ],
)
def test_7_closing_bracket_that_is_missing_is_kept(path: str, place: str, answer: str) -> None:
    assert trimmed(place, answer, path) == answer


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", "def f():\n    a = 1\n    │\n    return a\n", "a += 1\n    return a", "a += 1"),
        ("a.py", "def f():\n    │\n    return total\n", "return total", ""),
        ("a.py", "import os\n│\nimport sys\n", "import re\nimport sys\nimport time", "import re"),
        ("a.js", "const a = 1;\n│\nconst c = 3;\n", "const b = 2;\nconst c = 3;", "const b = 2;"),
        ("A.java", "class A {\n    int a;\n    │\n    String name;\n}\n", "int b;\n    String name;", "int b;"),
        ("a.c", "  a = 1;\n  │\n  printf(fmt, a);\n", "a++;\n  printf(fmt, a);\n  return a;", "a++;"),
        ("a.go", "\ta := 1\n\t│\n\tfmt.Println(a)\n", "a++\n\tfmt.Println(a)", "a++"),
        ("a.rs", "    let a = 1;\n    │\n    print_all(&a);\n", "let b = 2;\n    print_all(&a);", "let b = 2;"),
        ("a.py", "total = │ + offset\n", "price * count + offset", "price * count"),
        ("a.py", "y = │  # why\n", "1  # why", "1"),
        ("a.ts", "const x = │ as string;\n", "value as string;", "value"),
        ("a.c", "int i = │;\n", "0;", "0"),
    ],
)  # fmt: skip
def test_7_next_line_or_rest_of_the_line_repeated(path: str, place: str, answer: str, expected: str) -> None:
    assert trimmed(place, answer, path) == expected


def test_7_the_same_line_over_and_over() -> None:
    answer = "\n".join(["    total += value"] * 12).lstrip()
    assert trimmed("def f(value):\n    total = 0\n    │\n", answer, "a.py").count("total") == 2


def test_7_lines_that_are_alike_on_purpose_stay() -> None:
    answer = "assert_eq!(it.next(), None);\n    assert_eq!(it.next(), None);"
    assert trimmed("fn t() {\n    let mut it = f();\n    │\n}\n", answer, "a.rs") == answer


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", "if foo(│)\n", "x):\n    return 1", "if foo(x):\n    return 1\n"),
        ("A.java", "if (x > 0│)\n", " && y) {\n    g();\n}", "if (x > 0 && y) {\n    g();\n}\n"),
        ("a.ts", "foo(│)\n", "a).then(b);", "foo(a).then(b);\n"),
    ],
)
def test_7_an_editor_can_replace_the_bracket_that_it_wrote(path: str, place: str, answer: str, expected: str) -> None:
    assert inserted(place, answer, path) == expected


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        # the indentation that stands before the cursor comes again
        ("a.py", "def f():\n    │", "    return 1", "return 1"),
        ("a.py", "def f():\n    │", "    a = 1\n    return a", "a = 1\n    return a"),
        ("a.py", 'def f():\n    """Say.\n    │\n    """\n', "    More of it.", "More of it."),
        ("a.c", "int f(int a,\n      int b) {\n  │\n}\n", "  return a;", "return a;"),
        ("a.go", "func f() {\n\t│\n}\n", "\treturn 1", "return 1"),
        # spaces in a file of tabs, and the other way round
        ("a.go", "func f() {\n\tfor {\n\t\t│\n\t}\n}\n", "g(\n            y,\n        )", "g(\n\t\t\ty,\n\t\t)"),
        ("a.c", "int f() {\n\tif (a) {\n\t\t│\n\t}\n}\n", "b();\n        c();", "b();\n\t\tc();"),
        ("a.py", "def f():\n    if x:\n        a()\n    │\n", "while y:\n\t\tb()", "while y:\n        b()"),
        # lines below as if the cursor's line began at the margin
        ("a.py", "class A:\n    def f(self):\n        │\n", "if x:\n    y()", "if x:\n            y()"),
        ("a.js", "function f() {\n  if (a) {│\n  }\n}\n", "\n    b();", "\n    b();"),
        # in the middle of a line nothing moves
        ("a.py", "x = │\n", "1", "1"),
        ("a.py", "x = │\n", " 1", "1"),
        ("a.rs", "    let x =│\n", " 1;", " 1;"),
        ("a.h", "#define A(x)       │\n  f(x)\n", "       \\", "       \\"),
    ],
)  # fmt: skip
def test_8_indentation_is_wrong(path: str, place: str, answer: str, expected: str) -> None:
    assert trimmed(place, answer, path) == expected


SPELT = special_token_texts() - {"<filename>", "<reponame>"} | {"▁<PRE>", "▁<EOT>", "<｜fim▁pad｜>", "<|fim_suffix|>"}


@pytest.mark.parametrize("text", sorted(SPELT))
@pytest.mark.parametrize(("path", "place"), [("a.py", "x = │\n"), ("a.ts", "const x = │\n"), ("a.c", "int x = │\n")])
def test_9_special_token_in_the_suggestion(text: str, path: str, place: str) -> None:
    assert trimmed(place, f"value{text}import os", path) == "value"


@pytest.mark.parametrize("half", ["<|fim_mid", "<|file_", "<fim_suf", "<｜fim▁ho"])
def test_9_half_a_special_token_at_the_end(half: str) -> None:
    assert trimmed("x = │\n", f"value{half}", "a.py") == "value"


@pytest.mark.parametrize(
    ("path", "place", "answer"),
    [
        ("a.html", "<p><s>old</s> │\n", "<s>older</s>"),
        ("a.c", "char *PREFIX;\nx = │;\n", "env[PREFIX]"),
        ("tokens.py", 'TOKENS = ["<|fim_prefix|>", │]\n', '"<|fim_suffix|>", "<|fim_prefix|>"'),
    ],
)
def test_9_code_that_only_looks_like_a_token_stays(path: str, place: str, answer: str) -> None:
    assert trimmed(place, answer, path) == answer


@pytest.mark.parametrize(
    ("path", "place", "wanted"),
    [
        ("a.py", "x = │\n", "line"),
        ("a.py", "def f(x):│\n", "block"),
        ("a.py", "def f(x):\n    │\n", "block"),
        ("a.py", "x = d[1:│]\n", "line"),
        ("A.java", "class A {\n    void f() {│}\n}\n", "block"),
        ("a.ts", "foo(() => {│});\n", "block"),
        ("a.go", "func f() {\n\tx := │\n}\n", "line"),
        ("a.rs", "fn f() {\n    │\n}\n", "block"),
        ("a.c", "// counts the lines\n│\n", "block"),
        ("a.py", "# a comm│\n", "line"),
    ],
)
def test_9_one_line_or_a_block_as_the_place_asks(path: str, place: str, wanted: str) -> None:
    prefix, _, suffix = place.partition("│")
    assert lines_wanted(prefix, suffix, path) == wanted
    crlf_prefix, crlf_suffix = prefix.replace("\n", "\r\n"), suffix.replace("\n", "\r\n")
    assert lines_wanted(crlf_prefix, crlf_suffix, path) == wanted


def test_9_a_second_line_before_the_code_behind_the_cursor() -> None:
    assert trimmed("x = │ + y\n", "a\nprint(x)", "a.py") == "a"


@pytest.mark.parametrize("path", ["a.py", "a.js", "A.java", "a.c", "a.cs", "a.go", "a.rs"])
def test_13_windows_line_ends(path: str) -> None:
    place = "f(\r\n    │\r\n)\r\nnext_one(1)\r\n"
    assert trimmed(place, "a,\n    b\n)\nnext_one(1)", path) == "a,\r\n    b"
    assert trimmed(place, "a,\r\n    b\r\n)\r\nnext_one(1)", path) == "a,\r\n    b"


@pytest.mark.parametrize(
    ("path", "place", "answer", "expected"),
    [
        ("a.py", 'print("🚀 │")\n', 'los 👩‍👩‍👧")', "los 👩‍👩‍👧"),
        ("a.js", 'log("数据：│");\n', '完成");', "完成"),
        ("A.java", 'log("e\u0301│");\n', 'a\u0300");', "a\u0300"),
        ("a.go", 'x := f("日本", │)\n', '"語")', '"語"'),
        ("a.py", "größe = f(│)\n", "länge)", "länge"),
    ],
)
def test_13_emoji_cjk_and_combining_marks(path: str, place: str, answer: str, expected: str) -> None:
    assert trimmed(place, answer, path) == expected


def test_13_what_is_replaced_is_counted_in_characters_of_the_line() -> None:
    assert fit("'🚀'):\n    go()", "if ready(", ")\n", "a.py") == Fitted("'🚀'):\n    go()", 1)


@pytest.mark.parametrize(
    ("path", "then", "now", "answer", "expected_then", "expected_now"),
    [
        ("a.py", "print(│\n", "print(│)\n", "name)", "name)", "name"),
        ("a.ts", "foo(│;\n", "foo(│);\n", "a)", "a)", "a"),
        ("a.c", "f();\n│\n", "f();\n│\ngoodbye(1);\n", "g();\ngoodbye(1);", "g();\ngoodbye(1);", "g();"),
    ],
)
def test_15_suggestion_kept_from_before_the_text_behind_it_changed(
    path: str, then: str, now: str, answer: str, expected_then: str, expected_now: str
) -> None:
    """A kept answer can be trimmed again: the result goes by what stands there now, and by nothing else."""
    assert trimmed(then, answer, path) == expected_then
    assert trimmed(now, answer, path) == expected_now
    assert trimmed(then, answer, path) == expected_then


@pytest.mark.parametrize("answer", ["", " ", "\n\n", "}", ")", "<|endoftext|>", "\ufffd"])
def test_an_answer_that_is_nothing_is_nothing(answer: str) -> None:
    assert trimmed("x = [│]\n", answer, "a.py").strip("\ufffd") == ""
