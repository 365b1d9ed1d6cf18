"""The gates: what a built book must satisfy, one function each.

Every gate takes the :class:`~tools.gates.book.Book` and yields
:class:`~tools.gates.book.Fault`; none of them changes anything.
"""

from collections.abc import Callable, Iterator

from tools.gates import execution, explorers, pages, statements
from tools.gates.book import Book, Fault

GATES: tuple[Callable[[Book], Iterator[Fault]], ...] = (
    execution.failed_cells,
    execution.failed_widgets,
    execution.warned_cells,
    execution.executed_by_sphinx,
    execution.without_budget,
    pages.tracebacks,
    pages.images_without_alt,
    pages.broken_links,
    pages.launch_links,
    pages.wheels,
    pages.other_hosts,
    explorers.axes_without_question,
    statements.exercises_without_solution,
    statements.statements_without_certificate,
    statements.certificates_without_statement,
    execution.sphinx_warnings,
)


def inspect(book: Book) -> list[Fault]:
    """All faults of a built book, in the order of the gates, each once."""
    return list(dict.fromkeys(fault for gate in GATES for fault in gate(book)))


__all__ = ["GATES", "Book", "Fault", "inspect"]
