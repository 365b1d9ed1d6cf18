"""The secret of a course: whoever knows it can draw the hidden instances."""

from __future__ import annotations

from pathlib import Path

#: Shorter ones can be guessed.
SHORTEST = 12


def read(path: Path | None) -> str:
    """The secret in a file, or the empty one, which everybody knows.

    Raises:
        SystemExit: if the file cannot be read, or its content is too short.
    """
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"SECRET: {path} cannot be read: {error}") from error
    if len(text) < SHORTEST:
        raise SystemExit(
            f"SECRET: {path} must hold at least {SHORTEST} characters, and holds {len(text)}; "
            "for example: python3 -c 'import secrets; print(secrets.token_hex())' > secret.txt"
        )
    return text
