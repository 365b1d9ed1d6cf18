"""Addresses of repository and website: read from ``_config.yml``, and nowhere else."""

from __future__ import annotations

from sphinx.config import Config
from sphinx.errors import ConfigError


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
