"""Gates on the mathematics: exercises have solutions, statements have certificates."""

from __future__ import annotations

from collections.abc import Iterator

from tools.gates.book import Book, Fault


def _source(book: Book, page: str) -> str:
    return str(book.manifest["pages"][page]["source"])


def exercises_without_solution(book: Book) -> Iterator[Fault]:
    """An exercise without a solution."""
    entries = book.manifest["exercises"]
    solved = {entry["of"] for entry in entries if entry["kind"] == "solution"}
    for entry in entries:
        if entry["kind"] == "exercise" and entry["label"] not in solved:
            yield Fault(f"{_source(book, entry['page'])}, {entry['label']}", "it has no solution")


def statements_without_certificate(book: Book) -> Iterator[Fault]:
    """A theorem, proposition, lemma or corollary that its chapter does not compute.

    Where a chapter stopped, cells that would compute the rest were not reached.
    """
    for entry in book.manifest["statements"]:
        page = book.manifest["pages"][entry["page"]]
        stopped = page["execution"] and page["execution"]["error"]
        recorded = {c["label"] for c in page["certificates"]}
        if entry["label"] not in recorded and not stopped:
            where = f"{_source(book, entry['page'])}, {entry['label']}"
            yield Fault(where, f"this {entry['kind']} has no certificate")


def certificates_without_statement(book: Book) -> Iterator[Fault]:
    """A certificate that names no statement of its page (a label was mistyped or removed)."""
    stated = {(entry["page"], entry["label"]) for entry in book.manifest["statements"]}
    for docname, page in book.manifest["pages"].items():
        for record in page["certificates"]:
            if (docname, record["label"]) not in stated:
                where = f"{page['source']}, {record['label']}"
                yield Fault(where, "this certificate names no statement of its page")
