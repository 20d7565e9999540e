"""Linear layers that are made while something else goes on."""

import threading

import pytest
import torch

from codeassist.engine.layers.linear import Linear, LinearMaker, PlainLinear
from codeassist.errors import ModelError


def test_a_layer_is_waited_for_at_its_first_use() -> None:
    may_go_on = threading.Event()
    weight = torch.randn(3, 4)

    def make() -> Linear:
        assert may_go_on.wait(60)
        return PlainLinear(weight, None)

    maker = LinearMaker()
    layer = maker.make(make)
    threading.Timer(0.05, may_go_on.set).start()
    x = torch.randn(2, 4)
    assert torch.equal(layer(x), x @ weight.t())
    maker.wait()
    assert torch.equal(layer(x), x @ weight.t())


def test_what_went_wrong_in_the_making_comes_out_in_the_use() -> None:
    def fail() -> Linear:
        raise ModelError("the file is damaged")

    maker = LinearMaker()
    layer = maker.make(fail)
    for _ in range(2):
        with pytest.raises(ModelError, match="damaged"):
            layer(torch.ones(1, 1))
    with pytest.raises(ModelError, match="damaged"):
        maker.wait()


def test_a_model_that_is_given_up_is_not_finished_first() -> None:
    started, may_end = threading.Event(), threading.Event()
    made: list[int] = []

    def make() -> Linear:
        started.set()
        assert may_end.wait(60)
        made.append(1)
        return PlainLinear(torch.ones(1, 1), None)

    maker = LinearMaker()
    for _ in range(100):
        maker.make(make)
    assert started.wait(60)
    pool = maker._pool
    del maker
    may_end.set()
    pool.shutdown(wait=True)
    assert len(made) <= torch.get_num_threads()


def test_threads_that_made_layers_end_with_the_last_one() -> None:
    """libgomp counts who ever multiplied: with more threads than cores its waiters sleep at once."""
    maker = LinearMaker()
    layers = [maker.make(lambda: PlainLinear(torch.eye(2), None)) for _ in range(4)]
    maker.close()
    maker.wait()
    for thread in maker._pool._threads:
        thread.join(60)
        assert not thread.is_alive()
    assert all(torch.equal(layer(torch.eye(2)), torch.eye(2)) for layer in layers)
