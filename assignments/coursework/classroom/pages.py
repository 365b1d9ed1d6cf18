"""Pages of HTML that need nothing but themselves: no other host, no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from coursework.classroom import messages, tables

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.filters["points"] = tables.number
_TEMPLATES.filters["mean"] = tables.mean
_TEMPLATES.filters["prose"] = messages.prose
_TEMPLATES.filters["shown"] = messages.shown


def render(template: str, **facts: Any) -> str:
    """The page of a template; whatever is put into it is text, never HTML."""
    return _TEMPLATES.get_template(template).render(**facts)
