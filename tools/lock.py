"""Write ``constraints.txt``: the versions of everything in this environment.

The file fixes the environment that builds the book, and nothing else: the package itself asks
for lower bounds only.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

HEADER = """\
# The lock file: every version of the environment that builds and tests the book.
# Written by `make lock` from an environment in which all of it passed; used by requirements.txt.
"""
#: Tools of the environment itself, and packages that only some machines have.
LEFT_OUT = {"otgen-lite", "pip", "setuptools", "wheel"}


def pins() -> list[str]:
    """``name==version`` of every installed package, without local labels such as ``+cpu``."""
    found = set()
    for package in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", package.metadata["Name"]).lower()
        if name not in LEFT_OUT and not name.startswith(("nvidia-", "cuda-", "triton")):
            found.add(f"{name}=={package.version.split('+')[0]}")
    return sorted(found)


if __name__ == "__main__":
    path = Path(__file__).resolve().parent.parent / "constraints.txt"
    path.write_text(HEADER + "\n".join(pins()) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(pins())} packages")
