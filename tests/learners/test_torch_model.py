"""What users give as a PyTorch model, and the modules that come out of it."""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from learners.torch_cases import MLP_CASE, Branching, learnt, mlp
from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.models import model_named, optimizer_for
from rightbatch.learners.torch import TorchLearner
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_updates import TorchOptimizer
from rightbatch.learners.updates import SGD, Adam
from rightbatch.records import Shape

SHAPE = Shape(features=6, outputs=3, task="classification")


def refusal(call: Any) -> str:
    """The sentence of the error that the call raises."""
    with pytest.raises(SettingError) as caught:
        call()
    return str(caught.value)


def started(model: Any, seeds: list[int]) -> dict[str, Any]:
    """The parameters of fresh replicas."""
    learner = model_named(model).build(SHAPE, SGD())
    assert isinstance(learner, TorchLearner)
    return learner.parameters(learner.start(seeds))


@pytest.mark.parametrize("model", [nn.Linear(6, 3), nn.Linear, mlp, lambda: nn.Linear(6, 3), Branching])
def test_a_module_is_a_model(model: Any) -> None:
    """A module, its class, and a function that makes one are taken where a model is wanted."""
    assert model_named(model) == TorchModel(model)
    assert started(model, [0])


def test_a_model_of_ours_is_itself() -> None:
    """One with its settings is taken as it is."""
    model = TorchModel(mlp, loss=nn.L1Loss())
    assert model_named(model) is model


def test_functions_get_what_they_name() -> None:
    """Shape of a row, features and outputs, under the names that are known for them; defaults give way."""
    seen = []

    def net(
        input_shape: Any, features: int, outputs: int, hidden: int = 7, num_classes: int = 1000, **_: Any
    ) -> nn.Module:
        seen.append((input_shape, features, outputs, hidden, num_classes))
        return nn.Linear(features, outputs)

    TorchModel(net).build(SHAPE, SGD())
    TorchModel(net, input_shape=(2, 3)).build(SHAPE, SGD())
    assert seen == [((6,), 6, 3, 7, 3), ((2, 3), 6, 3, 7, 3)]


def test_two_classes_have_one_output() -> None:
    """A function that asks for the outputs is told 1, a logit; a module with 2 is fine as well."""
    shape = Shape(features=6, outputs=1, task="classification")
    learner = TorchModel(nn.Linear).build(shape, SGD())
    x = np.zeros((4, 6), np.float32)
    assert learner.predict(learner.start([0]), x).shape == (1, 4, 1)
    two = TorchModel(nn.Linear(6, 2)).build(shape, SGD())
    state = two.start([0])
    batch = MLP_CASE.batch()
    y = batch.data[1] % 2
    batch.data = batch.data[0], y
    expected = nn.functional.cross_entropy(
        torch.from_numpy(two.predict(state, batch.data[0])[0]), torch.from_numpy(y)
    )
    assert two.step(state, batch, np.full(1, 0.1, np.float32))[1].loss == pytest.approx(float(expected))


def test_a_function_is_called_once_a_seed() -> None:
    """With PyTorch's generator seeded: what it draws itself depends on the seed alone."""

    def net() -> nn.Module:
        module = nn.Linear(6, 3)
        nn.init.orthogonal_(module.weight)
        return module

    found = started(net, [0, 1, 0])["weight"]
    assert found[0].tolist() == found[2].tolist() != found[1].tolist()
    assert found[0] @ found[0].T == pytest.approx(np.eye(3), abs=1e-5)


def test_a_module_is_drawn_anew_for_each_seed() -> None:
    """Layers reset themselves, attention too; the module given is left as it is."""
    layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
    module = nn.Sequential(layer, nn.Linear(6, 3))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    found = started(TorchModel(module, input_shape=(1, 6)), [0, 1, 0])
    drawn = [name for name in found if name.endswith("weight") and "norm" not in name]
    assert len(drawn) == 5
    assert all(
        found[name][0].tolist() == found[name][2].tolist() != found[name][1].tolist() for name in drawn
    )
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_inner_layers_are_reset_first() -> None:
    """A module that sets up its own layers in `reset_parameters` has the last word."""

    class Zeros(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def reset_parameters(self) -> None:
            nn.init.zeros_(self.layer.weight)

    assert not started(Zeros(), [1])["layer.weight"].any()


def test_given_weights_are_where_all_seeds_start() -> None:
    """With weights="given" a module goes on from the weights it has."""
    module = nn.Linear(6, 3)
    found = started(TorchModel(module, weights="given"), [0, 1])["weight"]
    assert found.tolist() == [module.weight.tolist()] * 2


def test_lazy_layers_find_their_size() -> None:
    """A module may leave the number of features to its first rows; equal seeds start equal all the same."""

    def net(outputs: int) -> nn.Module:
        return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, outputs))

    found = started(net, [0, 1, 0])["0.weight"]
    assert found.shape == (3, 4, 6)
    assert found[0].tolist() == found[2].tolist() != found[1].tolist()


def test_weights_of_any_width_are_trained_in_float32() -> None:
    """A module of float64 becomes one of float32."""
    assert started(nn.Linear(6, 3).double(), [0])["weight"].dtype == np.float32


def test_the_repr_is_the_same_in_every_process() -> None:
    """A study finds its store by it: no addresses, one line, only settings that were changed."""
    assert repr(TorchModel(mlp)) == "TorchModel(mlp)"
    model = TorchModel(nn.Sequential(nn.Linear(2, 1)), loss=nn.L1Loss(), optimizer="AdamW", stack=False)
    assert repr(model) == (
        "TorchModel(Sequential( (0): Linear(in_features=2, out_features=1, bias=True) ), "
        "loss=L1Loss(), optimizer='AdamW', stack=False)"
    )
    partial = functools.partial(torch.optim.SGD, lr=0.1)
    assert "0x" not in repr(TorchModel(lambda: nn.Linear(6, 3), loss=lambda a, b: a - b, optimizer=partial))


def test_the_repr_tells_given_weights_apart() -> None:
    """Two modules of one kind that start from weights of their own are two models."""
    one, two = (TorchModel(nn.Linear(2, 1), weights="given") for _ in range(2))
    assert repr(one) != repr(two)
    assert repr(one) == repr(TorchModel(one.module, weights="given"))


def test_the_models_own_optimizer_goes_first() -> None:
    """A model may name its optimizer; without one it takes what it is given, and ours as before."""
    assert repr(optimizer_for(TorchModel(mlp, optimizer="AdamW"), "sgd")) == "AdamW"
    assert optimizer_for(TorchModel(mlp), "adam") == Adam()
    assert repr(optimizer_for(TorchModel(mlp), "RMSprop")) == "RMSprop"
    assert optimizer_for(MLP(), "adam") == Adam()
    found = optimizer_for(TorchModel(mlp), "AdamW")
    assert isinstance(found, TorchOptimizer)
    assert found.default_lr == 0.001


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"module": 3},
            (
                "module must be an nn.Module or make one, got 3; write a module, or a function or class that "
                "makes one."
            ),
        ),
        (
            {"loss": "onw"},
            (
                "loss must be a loss, got 'onw'; write one of torch.nn such as nn.HuberLoss(), "
                'a function of outputs and targets, or "own".'
            ),
        ),
        ({"weights": "old"}, "weights is not known, got 'old'; write one of fresh, given."),
        ({"device": "gpu"}, "device is not known, got 'gpu'; write cpu, cuda, cuda:1 or auto."),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], text: str) -> None:
    """Each is refused when the model is made."""
    assert refusal(lambda: TorchModel(**{"module": mlp, **settings})) == text


def _strings(features: int) -> Any:
    return f"{features} features"


def _asking(features: int, hidden: int) -> nn.Module:
    return nn.Linear(features, hidden)


def _training(batch_size: int, lr: float, seed: int) -> nn.Module:
    raise AssertionError((batch_size, lr, seed))


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (
            nn.ReLU(),
            (
                "model must have parameters to train, got 'ReLU'; write one with layers that learn, "
                "such as nn.Linear."
            ),
        ),
        (
            nn.Linear(6, 3).requires_grad_(False),
            (
                "model must not have all of its 2 parameters frozen, got 'Linear'; "
                "write module.requires_grad_(True)."
            ),
        ),
        (
            _strings,
            "model must give an nn.Module, got 'str'; write a function or class that gives one.",
        ),
        (
            _asking,
            (
                "model asks for what only you know, got 'hidden'; "
                "write a function of input_shape, features and outputs, or of some or none of them."
            ),
        ),
        (
            _training,
            (
                "model asks for what only you know, got 'batch_size'; "
                "write samples=, the rows of your training data, if it is a function that trains."
            ),
        ),
    ],
)
def test_modules_that_cannot_be_trained(module: Any, text: str) -> None:
    """Each is refused when the learner is built, before a study has begun."""
    assert refusal(lambda: TorchModel(module).build(SHAPE, SGD())) == text


def test_a_device_that_is_not_there() -> None:
    """The sentence says how many there are; "auto" takes the CPU then."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = f"cuda:{count}"
    assert refusal(lambda: TorchModel(mlp, device=device).build(SHAPE, SGD())) == (
        f"device is not there: PyTorch sees {count} CUDA devices, got '{device}'; write cpu or auto."
    )
    assert isinstance(TorchModel(mlp, device="auto").build(SHAPE, SGD()), TorchLearner)


FILE = """
import torch
from beside import WIDTH

def net(features, outputs):
    return torch.nn.Sequential(torch.nn.Linear(features, WIDTH), torch.nn.Linear(WIDTH, outputs))

class Net(torch.nn.Linear):
    def __init__(self, features, outputs):
        super().__init__(features, outputs)

module = torch.nn.Linear(6, 3)
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a user's that defines models."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "beside.py").write_text("WIDTH = 5")
    (tmp_path / "net.py").write_text(FILE)
    return tmp_path / "net.py"


@pytest.mark.parametrize(("name", "count"), [("net", 4), ("Net", 2), ("module", 2)])
def test_a_model_in_a_file(file: Path, name: str, count: int) -> None:
    """FILE.py:name takes a function, a class or a module, and what lies beside the file can be imported."""
    assert len(started(f"{file}:{name}", [0])) == count


def test_a_file_that_cannot_be_used(file: Path, tmp_path: Path) -> None:
    """No such file, no such name, and a file that fails are told apart."""
    gone, broken = tmp_path / "gone.py", tmp_path / "broken.py"
    assert refusal(lambda: model_named(f"{gone}:net")) == (
        f"model names a file that is not there, got '{gone}'; write FILE.py:name."
    )
    assert refusal(lambda: model_named(f"{file}:Nets")).startswith(
        "model is not known, got 'Nets'; write one of net, Net, "
    )
    broken.write_text("1 / 0")
    assert refusal(lambda: model_named(f"{broken}:net")) == (
        f"model cannot be read (ZeroDivisionError: division by zero), got '{broken}'; mend the file."
    )
    broken.write_text("import nothing_of_this_name")
    assert refusal(lambda: model_named(f"{broken}:net")) == (
        f"model cannot be read (No module named 'nothing_of_this_name'), got '{broken}'; "
        "install what it imports."
    )


WITHOUT = """
import importlib.abc, sys

class NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoTorch())
from rightbatch.errors import MissingExtraError
from rightbatch.learners.models import model_named
from rightbatch.records import Shape

def net():
    pass

for call in (
    lambda: model_named(net).build(Shape(features=1, outputs=1, task="regression"), None),
    lambda: model_named(sys.argv[1]),
):
    try:
        call()
    except MissingExtraError as error:
        print(error)
"""


def test_without_pytorch(tmp_path: Path) -> None:
    """Building a learner, or reading a file that imports PyTorch, says what to install."""
    file = tmp_path / "net.py"
    file.write_text("import torch")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, f"{file}:net"], capture_output=True, text=True, check=True
    )
    assert (
        done.stdout.splitlines() == ['PyTorch is not installed; write pip install "rightbatch[torch]".'] * 2
    )


def test_a_model_is_taken_without_importing_pytorch() -> None:
    """Looking at what is no module does not import PyTorch."""
    code = "import sys; from rightbatch.learners.models import model_named; model_named('mlp'); "
    done = subprocess.run(
        [sys.executable, "-c", f"{code} print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_input_shape_makes_images_of_flat_rows() -> None:
    """Rows of a table become images, and images that come as such train the same."""

    def net(input_shape: tuple[int, int, int], outputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(input_shape[0], 2, 2), nn.Flatten(), nn.Linear(4, outputs))

    learner = TorchModel(net, input_shape=(1, 2, 3)).build(SHAPE, SGD())
    flat, images = MLP_CASE.batch(), MLP_CASE.batch()
    flat.data = flat.data[0], flat.data[1] % 3
    images.data = flat.data[0].reshape(-1, 1, 2, 3), flat.data[1]
    assert isinstance(learner, TorchLearner)
    one, two = (learnt(learner, learner.start([0]), [batch], [0.1]) for batch in (flat, images))
    assert one == two
