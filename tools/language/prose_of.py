"""What of a file is prose, and on which line each word stands.

Code, formulas, roles, labels, links and front matter are left out; what stands for them in a
passage is one placeholder, so that words do not meet across a formula. In Python files, comments,
docstrings and messages (strings of several words on one line) are prose.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from markdown_it.token import Token

from tools.prose import END, FORMULA, MARKDOWN

#: Directives that hold code, or that are filled in by the build.
CODE = re.compile(r"\{(code-block|literalinclude|math|bibliography|raw|eval-rst|toctree)\}")
CELL = re.compile(r"\{code-cell\}|python$|py$")
SHELL = re.compile(r"bash$|console$|sh$|make$")
OPTION = re.compile(r"^:([\w-]+):(.*)$")
#: Keys of a cell's header, and options of a directive, whose values are read by people.
READ = re.compile(r"^(\s*)(caption|alt|code_prompt_show|code_prompt_hide|objective): ?(.*)$")
#: What the makers of an assignment fill in.
SUBSTITUTION = re.compile(r"\{\{.*?\}\}")
#: What follows a formula that is part of a term's name: a $c$-transform.
NAME = re.compile(r"-[a-z]")
LABEL = re.compile(r"^\([\w:.-]+\)=$")
ROLE_TITLE = re.compile(r"^(.+?)\s*<[^>]+>$", re.DOTALL)
PRAGMA = re.compile(r"#\s*(type:|noqa|fmt:|pragma|!|mypy:|isort:|ruff:|%%|SOLUTION|BEGIN |END )")
#: In docstrings and messages: literals, roles, formulas, addresses.
MARKUP = re.compile(
    r"\.\. [\w:-]+:: ?\S*|``.+?``|:[\w:-]+:`[^`]+`|`[^`\n]+`_*|\$[^$\n]+\$"
    r"|https?://\S+|<[^<>\s]+>|\{[^{}]*\}",
    re.DOTALL,
)

#: A string that people read has words in a row, on one line; a page, a script or a style has marks.
MESSAGE = re.compile(r"^[^\n]*\b[a-z]+ [a-z]+\b[^\n]*\b[a-z]+ [a-z]+\b[^\n]*\n?$")
FOREIGN = re.compile(r"</?[a-z]+[ >]|=[\"']|\bnotranslate\b|\bimport \w|[{};]\s*$")


@dataclass
class Passage:
    """A stretch of prose in which sentences may run on."""

    pieces: list[tuple[str, int]] = field(default_factory=list)
    formulas: list[tuple[str, int]] = field(default_factory=list)

    def add(self, text: str, line: int) -> None:
        self.pieces.append((text, line))

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def line(self, at: int) -> int:
        """The line of the character at this place."""
        starts, place = [], 0
        for text, _ in self.pieces:
            starts.append(place)
            place += len(text)
        return self.pieces[bisect_right(starts, at) - 1][1]

    def sentence(self, at: int) -> str:
        """The sentence around this place."""
        text = self.text
        ends = [match.end(1) for match in END.finditer(text)]
        first = max((end for end in ends if end <= at), default=0)
        last = min((end for end in ends if end > at), default=len(text))
        return " ".join(text[first:last].split())


def passages(name: str, text: str) -> Iterator[Passage]:
    """The prose of a file, by the ending of its name."""
    if name.endswith(".py"):
        found = of_python(text)
    else:
        found = of_docstring(text, 1) if name.endswith(".rst") else of_markdown(text)
    return (passage for passage in found if re.search(r"[A-Za-z]{2}", passage.text))


# Markdown


def of_markdown(text: str, before: int = 0) -> Iterator[Passage]:
    """Passages of a page; ``before`` lines stand above it in the file."""
    for token in MARKDOWN.parse(text):
        line = before + (token.map[0] if token.map else 0) + 1
        if token.type == "inline":
            yield of_line(token, line)
        elif token.type.startswith("math_block"):
            yield Passage(formulas=[(token.content, line)])
        elif token.type in ("fence", "colon_fence"):
            yield from of_directive(token.info.strip(), token.content, line)


def of_line(token: Token, line: int) -> Passage:
    """The words of a paragraph, a heading or a cell of a table."""
    passage = Passage()
    children = token.children or []
    for child, behind in zip_longest(children, children[1:]):
        content = child.content
        if child.type in ("softbreak", "hardbreak"):
            line += 1
            passage.add(" ", line)
        elif child.type == "text":
            if not LABEL.match(content) and not content.startswith("% "):
                passage.add(SUBSTITUTION.sub(FORMULA, content), line)
        elif child.type == "image":
            passage.add(content, line)
        elif child.type == "myst_role":
            title = ROLE_TITLE.match(content)
            passage.add(title[1] if title else FORMULA, line)
        elif child.type.startswith("math") or child.type == "code_inline":
            passage.add(FORMULA, line)
        if child.type.startswith("math"):
            if behind is None or not NAME.match(behind.content):
                passage.formulas.append((content, line))
            line += content.count("\n")
    return passage


def of_directive(info: str, content: str, line: int) -> Iterator[Passage]:
    """A directive or a block of code, whose fence stands on this line."""
    if CELL.match(info):
        head, body = header(content)
        yield from of_header(content.split("\n")[:head], line)
        yield from of_python(body, line + head)
    elif info.startswith("{raw-cell}"):  # the head of a question of an assignment
        yield from of_header(content.split("\n"), line)
    elif SHELL.match(info):
        for i, command in enumerate(content.split("\n"), 1):
            if comment := re.search(r"(?:^|\s)#\s(.*)$", command):
                yield Passage([(comment[1], line + i)])
    elif info.startswith("{") and not CODE.match(info):
        if not info.startswith("{solution"):  # its title is a label
            yield from of_markdown(info.partition("}")[2].strip(), line - 1)
        rows = content.split("\n")
        head = next((i for i, row in enumerate(rows) if not OPTION.match(row)), len(rows))
        yield from of_header([OPTION.sub(r"\1:\2", row) for row in rows[:head]], line)
        inside = of_glossary if info.startswith("{glossary}") else of_markdown
        yield from inside("\n".join(rows[head:]), line + head)


def header(content: str) -> tuple[int, str]:
    """Number of lines of a cell's header (options, or YAML between dashes), and the rest."""
    rows = content.split("\n")
    if rows[0].strip() == "---":
        count = next((i + 1 for i, row in enumerate(rows) if i and row.strip() == "---"), 0)
    else:
        count = next((i for i, row in enumerate(rows) if not OPTION.match(row)), len(rows))
    return count, "\n".join(rows[count:])


def of_header(rows: list[str], line: int) -> Iterator[Passage]:
    """Captions and alt texts in the header of a cell or of a directive."""
    depth, begun, value = 0, 0, list[str]()
    for i, row in enumerate([*rows, "end:"], 1):
        key = READ.match(row)
        if value and row.strip() and len(row) - len(row.lstrip()) <= depth:
            yield from of_markdown("\n".join(value), line + begun - 1)
            value = []
        if key:
            depth, begun = len(key[1]), i
            value = [key[3].strip("|>- '\"") or " "]
        elif value:
            value.append(row.strip().strip("'\""))


def of_glossary(text: str, before: int) -> Iterator[Passage]:
    """Terms by themselves, and their explanations."""
    for i, row in enumerate(text.split("\n")):
        if row and not row.startswith(" "):
            yield from of_markdown(row, before + i)
    blank = "\n".join(row if row.startswith(" ") else "" for row in text.split("\n"))
    yield from of_markdown(textwrap.dedent(blank), before)


# Python


def of_python(code: str, before: int = 0) -> Iterator[Passage]:
    """Comments, docstrings and messages of a module or of a cell."""
    code = re.sub(r"(?m)^[%!].*$", f"# {FORMULA}", code)  # magics of a notebook
    try:
        tree = ast.parse(code)
        yield from of_comments(code, before)
    except (SyntaxError, tokenize.TokenError):
        return
    docstrings = dict(docstrings_of(tree))
    for node, text in docstrings.items():
        yield from of_docstring(text, before + node.lineno)
    yield from of_messages(tree, docstrings.keys(), before)


def of_comments(code: str, before: int) -> Iterator[Passage]:
    """Comments; those on lines that follow one another are one passage."""
    passage, last = Passage(), (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type != tokenize.COMMENT or PRAGMA.match(token.string):
            continue
        row, column = token.start
        if (row - 1, column) != last and passage.pieces:
            yield passage
            passage = Passage()
        words = MARKUP.sub(FORMULA, token.string.lstrip("#: "))
        passage.add(f"{words} ", before + row)
        last = (row, column)
    yield passage


def docstrings_of(tree: ast.Module) -> Iterator[tuple[ast.Constant, str]]:
    """The constant and the text of each docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.value, first.value.value


def of_docstring(text: str, line: int) -> Iterator[Passage]:
    """Paragraphs of a docstring, or of a page in reStructuredText, without what is code."""
    masked = MARKUP.sub(lambda m: FORMULA + "\n" * m[0].count("\n"), text)
    passage, literal, example = Passage(), -1, False
    for i, (raw, row) in enumerate(zip(text.split("\n"), masked.split("\n"), strict=True)):
        depth = len(row) - len(row.lstrip())
        if not row.strip():
            if passage.pieces:
                yield passage
            passage, example = Passage(), False
            continue
        if row.lstrip().startswith(">>>"):
            example = True
        if literal >= 0 and depth <= literal:
            literal = -1
        field = literal < 0 and re.match(r"\s*:[\w-]+:(?!`)", raw)  # an option, in reStructuredText
        if literal < 0 and not example and not field and "===" not in row:
            passage.add(f"{row.strip()} ", line + i)
        if raw.rstrip().endswith("::") and literal < 0:
            literal = depth
    if passage.pieces:
        yield passage


def of_messages(tree: ast.Module, docstrings: object, before: int) -> Iterator[Passage]:
    """Strings of several words: captions, messages, labels."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [v.value if isinstance(v, ast.Constant) else FORMULA for v in node.values]
            inside.update(id(value) for value in node.values)
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in inside or node in docstrings:  # type: ignore[operator]
                continue
            text = node.value
        else:
            continue
        if MESSAGE.search(text) and not FOREIGN.search(text):
            yield Passage([(MARKUP.sub(FORMULA, text), before + node.lineno)])
