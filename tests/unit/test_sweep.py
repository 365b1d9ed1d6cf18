"""What a sweep takes, refuses and leaves behind; when there is no stack, and what it says then."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from torch import nn

import otgen_lite as otg
from otgen_lite.sweep import CannotStack, Stacked, check_stack, decide
from otgen_lite.training import TrainingError

ROWS = torch.randn(60, 2, generator=torch.Generator().manual_seed(5))
OPTIONS = {"steps": 6, "batch_size": 16, "progress": False}


def make(lam=1.0, cost="sqeuclidean", seed=0):
    encoder = otg.MLP(2, [6], 2, generator=seed + 1)
    decoder = otg.MLP(2, [6], 2, generator=seed + 2)
    return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam, cost=cost)


@pytest.fixture(scope="module")
def trained():
    grid = {"lam": [0.1, 0.3, 10.0], "cost": ["sqeuclidean", "cityblock"], "seed": [4]}
    metrics = {"spread": lambda method: float(method.sample(200, 1).std())}
    return otg.sweep(make, grid, ROWS, metrics=metrics, metrics_every=3, **OPTIONS)


# -- what is left behind


def test_points_are_the_product_with_the_last_axis_fastest(trained):
    assert [(p["lam"], p["cost"]) for p in trained.points[:3]] == [
        (0.1, "sqeuclidean"), (0.1, "cityblock"), (0.3, "sqeuclidean")
    ]  # fmt: skip
    assert len(trained) == 6
    for k, (point, method) in enumerate(trained):
        assert trained.index(**point) == k
        assert trained.at(**point) is method
        assert float(method.lam) == pytest.approx(point["lam"])
        assert method.cost == point["cost"]


def test_a_value_is_found_up_to_rounding_and_an_axis_of_one_value_need_not_be_given(trained):
    assert trained.at(lam=0.1 * 3, cost="cityblock") is trained.methods[3]
    assert trained.at(lam=10, cost="cityblock", seed=4) is trained.methods[5]


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"lam": 0.2, "cost": "cityblock"}, r"lam must be one of \[0.1, 0.3, 10.0\], got 0.2"),
        ({"lam": 0.1}, r"cost must be given: one of \['sqeuclidean', 'cityblock'\]"),
        ({"lambda_": 0.1, "cost": "cityblock"}, r"lambda_ must be an axis.*did you mean 'lam'"),
        ({"lam": 0.1, "cost": "l1"}, r"cost must be one of .*, got 'l1'"),
    ],
)
def test_a_point_that_is_not_there_names_the_axis_and_its_values(trained, point, message):
    with pytest.raises(ValueError, match=message):
        trained.at(**point)


def test_trained_methods_are_ordinary(trained):
    method = trained.at(lam=0.1, cost="cityblock")
    assert type(method) is otg.PenalizedOT
    own = [p.detach().clone() for p in method.parameters()]
    otg.fit(trained.at(lam=0.3, cost="cityblock"), ROWS, **OPTIONS)
    for p, q in zip(method.parameters(), own, strict=True):
        assert torch.equal(p, q)  # nothing is shared with another member any more
        assert p.is_leaf
        assert p.untyped_storage().nbytes() == p.numel() * p.element_size()
    other = make(lam=5.0, cost="cityblock")
    other.load_state_dict(method.state_dict())
    assert torch.equal(other.reconstruct(ROWS), method.reconstruct(ROWS))
    assert not method.training


def test_histories_are_those_of_the_members(trained):
    history = trained.history(lam=10.0, cost="cityblock")
    assert history is trained.histories[5]
    assert history.steps == 6
    assert history.losses["autoencoder"].shape == (6,)
    steps, values = history.metrics["spread"]
    assert list(steps) == [3, 6]
    now = float(trained.methods[5].sample(200, 1).std())
    assert values[-1] == pytest.approx(now, rel=1e-6)
    firsts = [h.metrics["spread"][1][-1] for h in trained.histories]
    assert len(set(firsts)) == 6


def test_the_table_has_a_row_for_every_member(trained):
    table = trained.to_frame()
    assert list(table.columns) == ["lam", "cost", "seed", "loss_autoencoder", "spread"]
    assert len(table) == 6
    row = table[(table.lam == 10.0) & (table.cost == "cityblock")].iloc[0]
    assert row.loss_autoencoder == pytest.approx(
        float(trained.histories[5].losses["autoencoder"][-1])
    )
    assert row.spread == pytest.approx(trained.histories[5].metrics["spread"][1][-1])
    page = trained._repr_html_()
    assert page.count("<tr>") == 7
    assert "cityblock" in page


def test_it_says_what_it_is(trained):
    assert trained.stacked
    assert repr(trained) == (
        "Sweep(6 members: lam 3 × cost 2 × seed 1; stacked: 6 members in 2 stacks)"
    )


def test_names_of_axes_on_a_page_are_text():
    s = otg.sweep(make, {"lam": [1.0]}, ROWS, steps=1, batch_size=8, progress=False)
    s.grid = {"<b>": [1.0]}
    assert "<b>" not in s._repr_html_()


# -- members while they are stacked


def test_members_can_be_used_while_they_are_trained():
    seen = []

    def look(step, together, history):
        first, last = together.members[0], together.members[-1]
        seen.append([float(m.sample(64, 1).mean()) for m in (first, last)])

    s = otg.sweep(make, {"lam": [0.1, 10.0]}, ROWS, callbacks=(look,), **OPTIONS)
    assert len(seen) == 6
    assert len({first for first, _ in seen}) == len({last for _, last in seen}) == 6
    assert seen[-1][0] != seen[-1][1]
    assert seen[-1] == pytest.approx([float(m.sample(64, 1).mean()) for m in s.methods], rel=1e-6)


def test_a_stack_is_a_method_with_a_vector_of_losses():
    members = [make(lam) for lam in (0.1, 1.0, 10.0)]
    alone = [make(lam) for lam in (0.1, 1.0, 10.0)]
    stack = Stacked(members)
    noise = stack.noise("autoencoder", ROWS, torch.Generator().manual_seed(3))
    losses = stack("autoencoder", ROWS, noise)
    assert losses.shape == (3,)
    losses.sum().backward()
    for k, method in enumerate(alone):
        loss = method("autoencoder", ROWS, noise)
        assert float(losses[k].detach()) == pytest.approx(float(loss.detach()), rel=1e-5)
        loss.backward()
        for (_, p), q in zip(stack.parameters_of("autoencoder"), method.parameters(), strict=True):
            torch.testing.assert_close(p.grad[k], q.grad, rtol=1e-4, atol=1e-6)


def test_a_stack_that_moves_keeps_its_members():
    stack = Stacked([make(lam) for lam in (0.1, 1.0)]).double()
    assert stack.members[1].lam.dtype == torch.float64
    with torch.no_grad():
        for p in stack.parameters():
            p.zero_()
    assert all(float(p.detach().abs().max()) == 0.0 for p in stack.members[1].parameters())


def test_a_buffer_of_all_members_is_held_once():
    table = torch.randn(1000, 2)

    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = otg.MLP(2, [4], 2, generator=2)
            self.in_features = 2
            self.register_buffer("table", table)

        def forward(self, z):
            return self.layer(z) + self.table.mean(dim=0)

    def made(lam):
        encoder = otg.MLP(2, [6], 2, generator=1)
        return otg.PenalizedOT(encoder, Weighted(), penalty=otg.MMD(), lam=lam)

    stack = Stacked([made(lam) for lam in (0.1, 1.0, 2.0)])
    assert stack.skeleton.decoder.table.shape == (1000, 2)
    assert stack("autoencoder", ROWS).shape == (3,)
    released = stack.release()
    assert released[2].decoder.table.data_ptr() == table.data_ptr()


def test_members_are_not_touched_by_the_faster_layers_of_a_stack():
    member = make()
    Stacked([member, make()])
    assert [type(m) for m in member.encoder] == [nn.Linear, nn.ReLU, nn.Linear]
    assert not member.encoder[1].inplace


# -- no stack


def in_turn(caplog, maker, grid, data=ROWS, **options):
    """A sweep that must not be stacked; the reason, which must stand in the log too."""
    with caplog.at_level(logging.WARNING, logger="otgen_lite"):
        s = otg.sweep(maker, grid, data, **{**OPTIONS, **options})
    assert not s.stacked
    assert s.reason in caplog.text
    assert "one after another" in repr(s)
    for (point, method), history in zip(s, s.histories, strict=True):
        alone = maker(**point)
        expected = otg.fit(alone, data, **{**OPTIONS, **options})
        for p, q in zip(method.parameters(), alone.parameters(), strict=True):
            assert torch.equal(p, q)
        for player, values in expected.losses.items():
            assert torch.equal(history.losses[player], values)
    with pytest.raises(CannotStack, match="stack=True, but"):
        otg.sweep(maker, grid, data, stack=True, **{**OPTIONS, **options})
    return s.reason


def test_a_method_that_says_so_is_not_stacked(caplog):
    def exact(seed):
        return otg.MKE(otg.MLP(2, [6], 2, generator=seed), discrepancy="exact")

    assert "MKE cannot be stacked" in in_turn(caplog, exact, {"seed": [0, 1]})


class Looking(otg.PenalizedOT):
    """A loss that looks at a number."""

    def loss(self, player, batch, noise):
        value = super().loss(player, batch, noise)
        return 2.0 * value if float(value.detach()) > 0.0 else value


class Remembering(otg.PenalizedOT):
    """A loss with a state that a stack does not see."""

    calls = 0

    def loss(self, player, batch, noise):
        value = super().loss(player, batch, noise)
        type(self).calls += 1
        return value * (1.0 + 0.01 * (type(self).calls % 7))


def kind(cls):
    def maker(lam):
        encoder, decoder = otg.MLP(2, [6], 2, generator=1), otg.MLP(2, [6], 2, generator=2)
        return cls(encoder, decoder, penalty=otg.MMD(), lam=lam)

    return maker


def test_a_loss_that_looks_at_numbers_is_found_out(caplog):
    reason = in_turn(caplog, kind(Looking), {"lam": [0.1, 1.0]})
    assert reason.startswith("vmap refuses the loss of 'autoencoder'")


def test_a_loss_with_a_hidden_state_is_found_out():
    s = otg.sweep(kind(Remembering), {"lam": [0.1, 1.0]}, ROWS, **OPTIONS)
    assert not s.stacked
    assert "in a stack is not that of its member" in s.reason


def test_a_gradient_that_cancels_is_no_reason():
    # A bias without effect has a gradient of rounding only, which differs in a stack.
    large, rounding = torch.tensor([1e3, -2e3]), torch.tensor([1e-4])
    assert check_stack._close([(large, large * (1 + 1e-6)), (rounding, -rounding)], half=False)
    assert not check_stack._close([(large, large * 1.01), (rounding, rounding)], half=False)
    assert not check_stack._close([(rounding * 1e2, -rounding * 1e2)], half=False)
    assert check_stack._close([(large, large * 1.01)], half=True)


def test_a_network_that_draws_by_itself_is_not_stacked(caplog):
    def dropping(lam):
        encoder = nn.Sequential(otg.MLP(2, [6], 6, generator=1), nn.Dropout(0.5), nn.Linear(6, 2))
        with torch.no_grad():
            encoder[2].weight.fill_(0.1)
            encoder[2].bias.zero_()
        decoder = otg.MLP(2, [6], 2, generator=2)
        return otg.PenalizedOT(encoder, decoder, penalty=otg.MMD(), lam=lam, prior=2)

    assert "vmap refuses" in in_turn(caplog, dropping, {"lam": [0.1, 1.0]})


def test_members_without_a_partner_are_not_stacked(caplog):
    grid = {"cost": ["sqeuclidean", "euclidean", "cityblock"]}
    assert in_turn(caplog, make, grid) == "no two members have the same signature"
    assert in_turn(caplog, make, {"lam": [2.0]}) == "there is only one member"


def test_an_optimizer_that_couples_parameters_is_not_stacked(caplog):
    def whole(params, lr):
        return torch.optim.Adafactor(params, lr=lr)

    assert "Adafactor" in in_turn(caplog, make, {"lam": [0.1, 1.0]}, optimizer=whole)

    def plain(params, lr):
        return torch.optim.SGD(params, lr=lr)

    s = otg.sweep(make, {"lam": [0.1, 1.0]}, ROWS, optimizer=plain, **OPTIONS)
    assert s.stacked


def test_large_networks_on_a_cpu_are_not_stacked(caplog, monkeypatch):
    def vae(seed):
        encoder, decoder = otg.MLP(2, [6], 4, generator=seed), otg.MLP(2, [6], 2, generator=3)
        return otg.VAE(encoder, decoder)

    # 2 x 6 and 6 x 4 weights in the encoder, 2 x 6 and 6 x 2 in the decoder: 60 products a point.
    grid = {"seed": [1, 2]}
    assert decide.work(vae(1), ROWS, 16) == 16 * 60
    monkeypatch.setattr(decide, "MOST_WORK", 16 * 60)
    assert otg.sweep(vae, grid, ROWS, **OPTIONS).stacked
    monkeypatch.setattr(decide, "MOST_WORK", 16 * 60 - 1)
    with caplog.at_level(logging.WARNING, logger="otgen_lite"):
        s = otg.sweep(vae, grid, ROWS, **OPTIONS)
    assert not s.stacked
    assert "the networks are large: a loss takes 9.6e+02 multiplications" in caplog.text
    # A reader who insists gets a stack.
    assert otg.sweep(vae, grid, ROWS, stack=True, **OPTIONS).stacked


def test_work_counts_every_position_of_a_convolution():
    encoder = otg.ConvEncoder((1, 8, 8), 4, width=2, generator=1)
    decoder = otg.ConvDecoder(2, (1, 8, 8), width=2, generator=2)
    method = otg.VAE(encoder, decoder)
    rows = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    weights = sum(p.numel() for p in method.parameters())
    before = {name: value.clone() for name, value in method.state_dict().items()}
    assert decide.work(method, rows, 10) > 4 * 10 * weights
    assert decide.work(method, torch.utils.data.TensorDataset(rows), 10) == 10 * weights
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())


def test_several_processes_train_one_after_another(monkeypatch):
    members = [make(0.1), make(1.0)]
    assert decide.obstacle(members, {}) == ""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert decide.obstacle(members, {}) == "there are several processes"
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert decide.obstacle(members, {}) == ""


def test_asked_for_one_after_another_it_says_so_quietly(caplog):
    with caplog.at_level(logging.WARNING, logger="otgen_lite"):
        s = otg.sweep(make, {"lam": [0.1, 1.0]}, ROWS, stack=False, **OPTIONS)
    assert s.reason == "asked for"
    assert not s.stacked
    assert not caplog.text


# -- stops


@pytest.mark.parametrize("stack", [True, False])
def test_an_interruption_returns_what_was_trained(stack):
    calls = []

    def stop(step, method, history):
        calls.append(step)
        if len(calls) == (3 if stack else 8):
            raise KeyboardInterrupt

    s = otg.sweep(make, {"lam": [0.1, 1.0, 2.0]}, ROWS, stack=stack, callbacks=(stop,), **OPTIONS)
    assert s.interrupted
    assert "interrupted" in repr(s)
    assert "early" not in repr(s)
    assert [h.steps for h in s.histories] == ([3, 3, 3] if stack else [6, 2, 0])
    assert all(torch.isfinite(m.sample(5, 0)).all() for m in s.methods)
    s.to_frame()


def test_a_stopping_rule_ends_the_training_of_its_member_alone():
    def rule(step, method, history):
        return float(method.lam) == 1.0 and step == 2

    grid, options = {"lam": [0.1, 1.0, 2.0]}, {**OPTIONS, "callbacks": (rule,)}
    s = otg.sweep(make, grid, ROWS, stack=False, **options)
    assert [h.steps for h in s.histories] == [6, 2, 6]
    assert [h.stopped_early for h in s.histories] == [False, True, False]
    assert repr(s).endswith("asked for; 1 stopped early)")
    for member, lam in zip(s.methods, grid["lam"], strict=True):
        alone = make(lam)
        otg.fit(alone, ROWS, **options)
        for p, q in zip(member.parameters(), alone.parameters(), strict=True):
            assert torch.equal(p, q)


def test_a_stopping_rule_ends_the_stacks_that_are_trained_in_step_and_no_others():
    def make_two(lam, n_critic):
        nets = [otg.MLP(2, [4], 2, generator=k).double() for k in range(2)]
        critic = otg.MLP(2, [4], 1, generator=2).double()
        penalty = otg.Adversarial(critic)
        return otg.PenalizedOT(*nets, penalty=penalty, lam=lam, critic_steps=n_critic)

    def rule(step, group, history):
        return group.members[0].players["critic"].updates == 1 and step == 3

    grid = {"n_critic": [1, 2], "lam": [0.1, 1.0]}
    s = otg.sweep(make_two, grid, ROWS, stack=True, callbacks=(rule,), **OPTIONS)
    assert [h.steps for h in s.histories] == [3, 3, 6, 6]
    assert [h.stopped_early for h in s.histories] == [True, True, False, False]


@pytest.mark.parametrize("stack", [True, False])
def test_members_that_all_diverge_are_named(stack):
    with pytest.raises(TrainingError, match=r"the points: lam=1e\+38, seed=3; lam=2e\+38, seed=3"):
        otg.sweep(
            make, {"lam": [1e38, 2e38], "seed": [3]}, ROWS, stack=stack, optimizer="sgd", **OPTIONS
        )  # fmt: skip


def test_one_bar_whether_stacked_or_not(capsys):
    for stack in (True, False):
        otg.sweep(make, {"lam": [0.1, 1.0]}, ROWS, stack=stack, **{**OPTIONS, "progress": True})
        shown = capsys.readouterr().err
        total = 6 if stack else 12
        assert f"{total}/{total}" in shown
        assert shown.count("\n") == 1
        assert "sweep of 2: 100%" in shown
        assert "autoencoder=" in shown


def test_one_after_another_each_member_has_a_checkpoint(tmp_path):
    path = tmp_path / "run.pt"
    otg.sweep(make, {"lam": [0.1, 1.0]}, ROWS, stack=False, checkpoint=path, **OPTIONS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run-0.pt", "run-1.pt"]


# -- bad input


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({}, ValueError, "grid must have at least one axis"),
        ([1.0], TypeError, "grid must be a dict of lists by name, got a list"),
        ({"lam": 1.0}, TypeError, r"grid\['lam'\] must be a list of values, got 1.0"),
        ({"lam": "abc"}, TypeError, r"grid\['lam'\] must be a list of values, got 'abc'"),
        ({"lam": []}, ValueError, r"grid\['lam'\] must hold at least one value"),
        ({"lam": [1.0, 1.0]}, ValueError, r"grid\['lam'\] must hold different values, got 1.0"),
        ({"lam": np.ones((2, 2))}, ValueError, r"grid\['lam'\] must be a list, got shape \(2, 2\)"),
        ({3: [1.0]}, TypeError, "grid must have names of arguments as keys, got 3"),
        ({"lamb": [1.0]}, TypeError, r"make_method must take the axes of the grid, \['lamb'\]"),
    ],
)
def test_a_grid_that_is_none(grid, error, message):
    with pytest.raises(error, match=message):
        otg.sweep(make, grid, ROWS, **OPTIONS)


def test_arrays_and_tensors_are_axes():
    lams = np.logspace(-1.0, 1.0, 3)
    s = otg.sweep(make, {"lam": lams, "seed": torch.tensor([1, 2])}, ROWS, **OPTIONS)
    assert [p["seed"] for p in s.points] == [1, 2] * 3
    assert s.at(lam=lams[2], seed=2) is s.methods[5]
    assert type(s.points[0]["seed"]) is int


def test_networks_that_members_share_are_refused():
    encoder = otg.MLP(2, [6], 2, generator=1)

    def sharing(lam):
        return otg.PenalizedOT(encoder, otg.MLP(2, [6], 2, generator=2), penalty=otg.MMD(), lam=lam)

    with pytest.raises(ValueError, match=r"new networks at each call.*'encoder.0.weight', in both"):
        otg.sweep(sharing, {"lam": [0.1, 1.0]}, ROWS, **OPTIONS)


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match="make_method must return a Method, got a Linear"):
        otg.sweep(lambda lam: nn.Linear(2, 2), {"lam": [1.0]}, ROWS, **OPTIONS)
    with pytest.raises(TypeError, match="make_method must be callable, got 3"):
        otg.sweep(3, {"lam": [1.0]}, ROWS, **OPTIONS)
    with pytest.raises(TypeError, match="stack must be True, False or None, got 1"):
        otg.sweep(make, {"lam": [1.0]}, ROWS, stack=1, **OPTIONS)
    with pytest.raises(ValueError, match="batch_size"):
        otg.sweep(make, {"lam": [0.1, 1.0]}, ROWS, batch_size=0)
