"""Numbers that the book names, by a route that no page takes."""

from itertools import product

import pytest
import torch

from otgen_lite.statements import kantorovich


@pytest.mark.parametrize("seed", range(6))
def test_ties_are_settled_as_well_as_they_can_be(seed):
    generator = torch.Generator().manual_seed(seed)
    _, a, b = kantorovich.problem(generator, 5, 3)
    allowed = torch.rand(5, 3, generator=generator) < 0.6
    allowed[:, seed % 3] = True
    hole = kantorovich.settle_ties(allowed, a, b)
    assert allowed[torch.arange(5), hole].all()

    def misplaced(hole):
        return (torch.zeros(3, dtype=torch.float64).index_add_(0, hole, a) - b).abs().sum() / 2

    choices = (row.nonzero()[:, 0].tolist() for row in allowed)
    best = min(misplaced(torch.tensor(map_)) for map_ in product(*choices))
    assert misplaced(hole) == pytest.approx(best.item(), abs=1e-9)


def test_the_ink_of_chapter_1_cannot_go_whole():
    """Best over all rules at the best prices: 8.7 per cent; the first tie: 38."""
    import otgen_lite as otg

    images, _ = otg.data.digits()
    (a, x), (b, y) = (otg.data.image_to_measure(images[k].double()) for k in (0, 6))
    C = otg.cost_matrix(x, y)
    for g in (otg.solve_exact(C, a, b).potentials[1], kantorovich.dual_prices(C, a, b)[1]):
        slack = C - g - (C - g).amin(dim=1, keepdim=True)
        hole = kantorovich.settle_ties(slack < 1e-9, a, b)
        off = torch.zeros_like(b).index_add_(0, hole, a) - b
        assert off.abs().sum().item() / 2 == pytest.approx(0.0873683, abs=1e-6)
