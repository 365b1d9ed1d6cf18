"""The ledger of the book: what its pages computed of every statement, and what is only proved."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import executed
import tables
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

STATEMENT_TYPES = ("theorem", "proposition", "lemma", "corollary")


class Ledger(nodes.General, nodes.Element):
    """Stands where the table will be, until every page has been executed."""


class LedgerDirective(SphinxDirective):
    """``{ledger}``: the table of all statements and their certificates."""

    def run(self) -> list[nodes.Node]:
        pages: set[str] = getattr(self.env, "otgen_ledger_pages", set())
        self.env.otgen_ledger_pages = pages | {self.env.docname}  # type: ignore[attr-defined]
        return [Ledger()]


def collect(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Gather the certificates of all pages; rewrite the ledger when one of them changed."""
    book = {
        docname: list(executed.certificates(app, docname)) for docname in sorted(env.found_docs)
    }
    digest = hashlib.sha256(json.dumps(book, sort_keys=True).encode()).hexdigest()
    changed = digest != getattr(env, "otgen_certificates_digest", None)
    env.otgen_certificates_digest = digest  # type: ignore[attr-defined]
    env.otgen_certificates = book  # type: ignore[attr-defined]
    return sorted(getattr(env, "otgen_ledger_pages", set())) if changed else []


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the placeholder by the table."""
    for place in list(doctree.findall(Ledger)):
        statements = list(_statements(app.env))
        names = _names(app.env, {entry["docname"] for _, entry in statements})
        rows = [
            _row(app, docname, label, entry, names.get(label, [])) for label, entry in statements
        ]
        header = [
            "Statement", "Source", "Left side", "Right side", "Gap or slack", "Tolerance",
            "What is computed", "What is only proved",
        ]  # fmt: skip
        place.replace_self(
            nodes.container(
                "",
                tables.table(header, rows, ["otg-ledger"]),
                classes=["otg-wide-table", "full-width"],
            )
        )


def _statements(env: BuildEnvironment) -> list[tuple[str, dict[str, Any]]]:
    """The theorems and their kin, in the order of the book (all share one counter)."""
    found = [
        (label, entry)
        for label, entry in getattr(env, "proof_list", {}).items()
        if entry["realtype"] in STATEMENT_TYPES
    ]
    return sorted(found, key=lambda item: _number(env, *item))


def _number(env: BuildEnvironment, label: str, entry: dict[str, Any]) -> tuple[int, ...]:
    numbers = env.toc_fignumbers.get(entry["docname"], {}).get(entry["countertype"], {})
    return tuple(numbers.get(label, ()))


def _row(
    app: Sphinx, here: str, label: str, entry: dict[str, Any], words: list[nodes.Node]
) -> list[tables.Cell]:
    """One statement; ``words`` are the name that it has beside its number."""
    from otgen_lite.statements import REGISTRY

    env, page = app.env, entry["docname"]
    number = ".".join(map(str, _number(env, label, entry)))
    uri = f"{app.builder.get_relative_uri(here, page)}#{label}"
    title = f"{entry['realtype'].capitalize()} {number}".strip()
    name = nodes.inline("", "", nodes.reference("", title, internal=True, refuri=uri))
    name += [nodes.Text(" "), *words, nodes.Text(" "), nodes.literal("", label)]
    found = [c for c in env.otgen_certificates.get(page, []) if c["label"] == label]  # type: ignore[attr-defined]
    statement = REGISTRY.get(label)
    source = _source(app, here, statement.source) if statement else nodes.Text("—")
    parts = (statement.computed, statement.proved or "—") if statement else ("", "")
    if not found:
        return [name, source, "no certificate", "", "", "", *parts]
    worst = max(found, key=lambda c: (c["gap"], -(c.get("slack") or 0.0)))
    sign = "" if worst["relation"] == "==" else "≤ "
    return [
        name,
        source,
        _typeset(worst["lhs"]),
        sign + _typeset(worst["rhs"]),
        f"{_room(worst)} {'✓' if worst['holds'] else '✗'}",
        _typeset(worst["tol"], 1),
        *parts,
    ]


def _room(certificate: dict[str, Any]) -> str:
    """The gap of an equality; the slack of an inequality, and the factor of its loosest pair."""
    if certificate.get("slack") is None:
        return _typeset(certificate["gap"], 1)
    loosest = certificate["loosest"]
    factor = "" if loosest is None else f", up to {_typeset(loosest, 3)} ×"
    return f"slack {_typeset(certificate['slack'], 2)}{factor}"


def _names(env: BuildEnvironment, pages: set[str]) -> dict[str, list[nodes.Node]]:
    """Label -> what stands in brackets behind a statement's number: its name, formulas and all.

    Each page's tree is loaded once: that takes a tenth of a second.
    """
    return {
        label: [child.deepcopy() for child in node.children[0].children]
        for page in sorted(pages)
        for node in env.get_doctree(page).findall(nodes.Element)
        if node.get("title")
        for label in node.get("ids", [])
    }


def _typeset(number: float, digits: int = 6) -> str:
    """A number as people read it: a true minus sign, and powers of ten as such."""
    text = f"{number:.{digits}g}".replace("-", "−")
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    raised = str(int(exponent.replace("−", "-"))).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
    return f"{'' if mantissa == '1' else mantissa + '·'}10{raised}"


def _source(app: Sphinx, here: str, key: str) -> nodes.Node:
    """A bibliography key as "Author year", linked to its entry; other text as it is."""
    for citation in app.env.get_domain("cite").citations:  # type: ignore[attr-defined]
        if citation.key == key:
            persons = citation.entry.persons.get("author", [])
            names = [" ".join(person.last_names) for person in persons]
            who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
            uri = app.builder.get_relative_uri(here, citation.bibliography_key.docname)
            return nodes.reference(
                "",
                f"{who} {citation.entry.fields.get('year', '')}".strip(),
                internal=True,
                refuri=f"{uri}#{citation.citation_id}",
            )
    return nodes.Text(key)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(Ledger)
    app.add_directive("ledger", LedgerDirective)
    app.connect("env-updated", collect)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
