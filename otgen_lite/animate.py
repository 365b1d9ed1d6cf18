"""A moving picture that needs no script: points that travel from one cloud to another."""

from __future__ import annotations

from html import escape

import torch

from otgen_lite import _checks

_TEMPLATE = """<figure class="otg-moving">
<style>
.otg-moving {{ margin: 1.5rem auto; max-width: 34rem; text-align: center; }}
.otg-moving svg {{ width: 100%; height: auto; }}
.otg-moving circle {{ animation: otg-move 9s ease-in-out infinite alternate; }}
.otg-moving:has(input:checked) circle {{ animation-play-state: paused; }}
@keyframes otg-move {{
  0%, 12% {{ transform: none; fill: var(--otg-model, #b5381f); }}
  50% {{ fill: var(--otg-between, #7b4a9a); }}
  88%, 100% {{ transform: translate(var(--x), var(--y)); fill: var(--otg-data, #2166ac); }}
}}
@media (prefers-reduced-motion: reduce) {{
  .otg-moving circle {{ animation-play-state: paused; animation-delay: -4.5s; }}
}}
</style>
<svg viewBox="0 0 {size} {size}" role="img" aria-label="{alt}">{circles}</svg>
<label><input type="checkbox"> hold still</label>
<figcaption>{caption}</figcaption>
</figure>"""


def moving_points(
    x: torch.Tensor, y: torch.Tensor, *, alt: str, caption: str = "", size: int = 480
) -> str:
    """HTML of a moving picture in which each point ``x_i`` glides to ``y_i`` and back.

    It is an inline SVG, animated by CSS, and needs neither a script nor a kernel. The reader can
    pause it, and it does not move for readers whose system asks for reduced motion.

    Args:
        x: (n, 2) starting points, drawn in the colour of the model.
        y: (n, 2) end points, drawn in the colour of the data.
        alt: what is seen and what it means, for readers who cannot see it.
        caption: a sentence under the picture.
        size: width and height of the drawing, in its own units.

    Returns:
        A ``<figure>`` element as a string.

    Raises:
        ValueError: if ``x`` and ``y`` are not finite (n, 2) arrays of one shape, or ``alt`` is
            empty.

    Chapter: the landing page.

    Example:
        >>> html = moving_points(torch.zeros(3, 2), torch.ones(3, 2), alt="three points move")
        >>> html.count("<circle")
        3
    """
    x, y = _checks.points("x", x), _checks.points("y", y)
    if x.shape != y.shape or x.shape[1] != 2:
        raise ValueError(
            f"x and y must both have shape (n, 2), got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if not alt.strip():
        raise ValueError("alt must say what is seen, got an empty string")
    both = torch.cat([x, y])
    low, high = both.min(0).values, both.max(0).values
    scale = 0.9 * size / float((high - low).max().clamp_min(1e-12))
    middle = (low + high) / 2
    # Screens count downwards.
    flip = torch.tensor([1.0, -1.0], dtype=x.dtype)
    start = (x - middle) * flip * scale + size / 2
    step = (y - x) * flip * scale
    circles = "".join(
        f'<circle cx="{p[0]:.1f}" cy="{p[1]:.1f}" r="{size / 100:.1f}" '
        f'style="--x:{d[0]:.1f}px;--y:{d[1]:.1f}px"/>'
        for p, d in zip(start.tolist(), step.tolist(), strict=True)
    )
    return _TEMPLATE.format(
        size=size, alt=escape(alt, quote=True), caption=escape(caption), circles=circles
    )
