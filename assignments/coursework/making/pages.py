"""Rubric and instructor's notes as pages, which need no other host."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import katex
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from coursework import bank, test_cells
from coursework.making.master import links
from coursework.source import Assignment, Question

PAGE = """\
<!doctype html>
<html lang="en-GB"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto;
       padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
          border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }}
td.n, th.n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
.wide {{ overflow-x: auto; }}
code {{ overflow-wrap: anywhere; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def rubric(assignment: Assignment, site: str, answers: Path) -> str:
    """How points are given: each question with its tests, and what usual mistakes cost.

    Args:
        assignment: the source.
        site: address of the book.
        answers: the folder of the bank.
    """
    total = sum(q.points for q in assignment.questions.values())
    parts = [
        f"<p>{total:g} points, about {assignment.settings['minutes']} minutes. "
        "Points are given by tests on instances that students do not see.</p>"
    ]
    for question in assignment.questions.values():
        parts.append(_question(question, site, answers / f"{question.name}.py"))
    return PAGE.format(title=f"Rubric: {escape(assignment.title)}", body="\n".join(parts))


def notes(assignment: Assignment, text: str, site: str) -> str:
    """The instructor's notes, which are Markdown, as a page."""
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.use(dollarmath_plugin, renderer=lambda tex, options: formula(tex))
    text = re.sub(r"\A# .*\n", "", text)  # the page has a title
    body = markdown.render(links(text, site))
    body = body.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )
    return PAGE.format(title=f"For the instructor: {escape(assignment.title)}", body=body)


def formula(tex: str) -> str:
    """A formula as MathML, which browsers show without a style sheet."""
    (found,) = re.findall(r"<math.*?</math>", katex.typeset(tex), flags=re.DOTALL)
    return str(found)


def _question(question: Question, site: str, answers: Path) -> str:
    page, _, label = question.section.partition("#")
    where = f"{site}book/{page}.html" + (f"#{label}" if label else "")
    head = (
        f"<h2>{question.name}. {escape(question.title)} ({question.points:g} points)</h2>"
        f"<p>{escape(question.objective[:1].upper() + question.objective[1:])}. "
        f'Leans on <a href="{where}">{escape(question.section)}</a>.</p>'
    )
    if question.manual:
        return head + "<p>Read by a person; the criteria stand in the notebook.</p>"
    tests = [test_cells.read(cell) for cell in question.tests]
    rows = [[_words(t.name), "hidden" if t.hidden else "visible", f"{t.points:g}"] for t in tests]
    mistakes = [
        [a.title, f"{a.points:g} of {question.points:g}"]
        for a in bank.read(answers)
        if a.points is not None
    ]
    return (
        head
        + _table(["what is tested", "students see it", "points"], rows)
        + _table(["a usual mistake", "gets"], mistakes)
    )


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _table(head: list[str], rows: list[list[str]]) -> str:
    def line(cells: list[str], tag: str) -> str:
        last = len(cells) - 1
        return "".join(
            f"<{tag}{' class=n' if k == last else ''}>{escape(c)}</{tag}>"
            for k, c in enumerate(cells)
        )

    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    table = f"<table><tr>{line(head, 'th')}</tr>\n{body}</table>"
    return f'<div class="wide">{table}</div>'
