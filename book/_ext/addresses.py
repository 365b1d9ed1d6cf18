"""Addresses of repository and website: read from ``_config.yml``, and nowhere else.

A page writes ``|repository|`` where a reader is to see the repository's address.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

#: Where the repository's address stands on a page.
PLACE = "|repository|"


def repository(config: Config) -> tuple[str, str]:
    """Address and branch of the repository: ``repository`` in ``_config.yml``, nowhere else."""
    options = config.html_theme_options
    url, branch = options.get("repository_url"), options.get("repository_branch")
    if not url or not branch:
        raise ConfigError("_config.yml: the notebooks need repository.url and repository.branch")
    return str(url).rstrip("/"), str(branch)


def site_url(config: Config) -> str:
    """Address of the website: ``html.baseurl`` in ``_config.yml``."""
    if not config.html_baseurl:
        raise ConfigError("_config.yml: the notebooks need html.baseurl, where their links lead")
    return str(config.html_baseurl).rstrip("/") + "/"


def insert(app: Sphinx, page: str, source: list[str]) -> None:
    """Write the repository's address where the page wants it, in its commands too."""
    if PLACE in source[0]:
        source[0] = source[0].replace(PLACE, repository(app.config)[0])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", insert)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
