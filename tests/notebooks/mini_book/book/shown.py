"""A file that the page shows a part of."""


def gap(left: float, right: float) -> float:
    """How far the two sides are apart."""
    return abs(left - right)


def hidden() -> str:
    return "not on the page"
