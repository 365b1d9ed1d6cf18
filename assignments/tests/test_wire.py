"""Plain data on its way, and bytes that nobody honest has written."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import torch

from coursework import wire

VALUES = [
    None,
    ...,
    True,
    -3,
    10**30,
    0.1,
    float("inf"),
    "straße",
    [1, (2.0, [])],
    {"a": {1: 2, 0.5: (), False: None}},
]
ARRAYS = [
    np.arange(6.0).reshape(2, 3).T,
    np.zeros((0, 3)),
    np.array(True),
    np.arange(3, dtype=">i4"),
    np.array([1 + 2j]),
    np.float16([1.5]),
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_arrive_as_they_are(value):
    back = wire.load(wire.dump(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays_arrive_as_they_are(array):
    first, second = wire.load(wire.dump([array, array]))
    for back in (first, second):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert np.array_equal(back, array)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bool])
def test_tensors_arrive_as_tensors(dtype):
    tensor = torch.tensor([[0, 1], [1, 1]]).to(dtype)
    back = wire.load(wire.dump(tensor))
    assert torch.equal(back, tensor)
    assert back.dtype is dtype


def test_gradients_and_views_are_left_behind():
    x = torch.tensor([1 + 2j]).requires_grad_(True)
    assert wire.load(wire.dump(x.conj())).item() == 1 - 2j
    assert wire.load(wire.dump(torch.ones(2, dtype=torch.bfloat16))).tolist() == [1, 1]


def test_subclasses_arrive_as_what_they_are_subclasses_of():
    class Equal(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    class EqualArray(np.ndarray):
        def __eq__(self, other):
            return True

    class EqualTensor(torch.Tensor):
        def __eq__(self, other):
            return True

    assert type(wire.load(wire.dump(Equal(2)))) is float
    assert type(wire.load(wire.dump(np.ones(2).view(EqualArray)))) is np.ndarray
    assert type(wire.load(wire.dump(torch.ones(2).as_subclass(EqualTensor)))) is torch.Tensor


@pytest.mark.parametrize(
    "value",
    [
        object(),
        np.array([object()]),
        np.array(["a"]),
        {(1,): 2},
        {1, 2},
        len,
        "\ud800",
        {"\ud800": 1},
        b"x",
        np.zeros(1, "i,i"),
    ],
)
def test_what_is_no_plain_data_is_not_sent(value):
    with pytest.raises(wire.NotPlainError):
        wire.dump(value)


def test_what_is_too_large_is_not_sent(monkeypatch):
    monkeypatch.setattr(wire, "LARGEST", 1000)
    with pytest.raises(wire.NotPlainError, match="too large"):
        wire.dump(np.zeros(200))
    with pytest.raises(wire.NotPlainError, match="too large"):
        wire.dump([np.zeros(100), np.zeros(100)])
    monkeypatch.setattr(wire, "LARGEST_TEXT", 100)
    with pytest.raises(wire.NotPlainError, match="too large"):
        wire.dump("x" * 100)


def test_functions_arrive_as_numbers_or_as_source():
    kept = []
    data = wire.dump({"f": len}, lambda f: kept.append(f) or 7)
    assert wire.load(data) == {"f": wire.Handle(7)}
    assert kept == [len]
    sent = wire.dump(wire.Function("lambda x: np.sum(x)"))
    assert wire.load(sent, functions=True)(np.ones(3)) == 3


def message(node, blocks: bytes = b"") -> bytes:
    head = (node if isinstance(node, str) else json.dumps(node)).encode()
    return struct.pack("<I", len(head)) + head + blocks


DEEP = "[" * 100_000
FORGED = {
    "nothing": b"",
    "no length": b"\1",
    "a length and nothing": struct.pack("<I", 2**32 - 1),
    "no JSON": message("{"),
    "source that would run here": message({"function": "lambda: 1"}),
    "a bare list": message([1]),
    "two kinds": message({"list": [], "tuple": []}),
    "no kind": message({"value": 1}),
    "a method of the reader": message({"value": {"blocks": 1}}),
    "an empty object": message({}),
    "nested without an end": message(DEEP),
    "nested lists": message('{"list":[' * 5000 + "]}" * 5000),
    "a list that is a number": message({"list": 3}),
    "a dict that is a number": message({"dict": 3}),
    "a list as a key": message({"dict": [[{"list": []}, 1]]}),
    "an array as a key": message({"dict": [[{"array": ["<f8", []]}, 1]]}, bytes(8)),
    "a handle that is a text": message({"handle": "1"}),
    "a handle that is a boolean": message({"handle": True}),
    "half a character": message('"\\ud800"'),
    "half a character as a key": message('{"dict":[["\\ud800",1]]}'),
    "an integer of a million digits": message("9" * 10**6),
    "an array of objects": message({"array": ["|O", [1]]}, bytes(8)),
    "an array of records": message({"array": ["f8,O", [1]]}, bytes(16)),
    "an array of text": message({"array": ["<U2", [1]]}, bytes(8)),
    "a type that is a list": message({"array": [[["a", "O"]], [1]]}, bytes(8)),
    "an array without bytes": message({"array": ["<f8", [2]]}, bytes(8)),
    "an array with too many bytes": message({"array": ["<f8", [1]]}, bytes(16)),
    "an array of impossible size": message({"array": ["<f8", [2**39, 2**39]]}),
    "an array of no size and impossible shape": message({"array": ["<f8", [0, 2**62]]}),
    "a negative length": message({"array": ["<f8", [-1]]}, bytes(8)),
    "a length that is no integer": message({"array": ["<f8", [1.0]]}, bytes(8)),
    "too many axes": message({"array": ["<f8", [1] * 100]}, bytes(8)),
    "a tensor of a type that torch lacks": message({"tensor": ["<c32", [1]]}, bytes(32)),
    "bytes twice": message({"list": [{"array": ["<f8", [1]]}] * 2}, bytes(8)),
    "keys with equal hashes": message({"dict": [[k * (2**61 - 1), 0] for k in range(20_000)]}),
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
def test_forged_messages_are_refused_and_run_nothing(data):
    with pytest.raises(ValueError, match=r"\w"):
        wire.load(data)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_messages_are_read_or_refused(seed):
    rng = np.random.default_rng(seed)
    honest = wire.dump({"value": [1, np.arange(5.0), torch.ones(3), {"a": (1, 2.5)}]})
    for _ in range(200):
        data = bytearray(honest)
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(len(data))] = rng.integers(256)
        try:
            wire.load(bytes(data[: rng.integers(len(data) + 1)]))
            wire.load(bytes(data))
        except ValueError:
            pass
