import re

import grad_core as gd
import grad_nn as nn
import numpy as np
import pytest
from grad_core.errors import ShapeError
from grad_nn._summary_text import human

RNG = gd.random.Generator(0)


class Block(nn.Module):
    def __init__(self, width, heads):
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), gd.relu, nn.Linear(4 * width, width))

    def forward(self, x):
        h = self.norm(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.mlp(x)


class Language(nn.Module):
    """Tied weights, a list of modules, a frozen block, one block called twice, a layer that nobody calls."""

    def __init__(self):
        self.head = nn.Linear(16, 11, bias=False)
        self.embedding = self.head.weight
        self.blocks = [Block(16, 2), Block(16, 2)]
        self.blocks[1].requires_grad_(False)
        self.unused = nn.Linear(2, 2)

    def forward(self, ids, scale=1.0):
        x = self.embedding[ids] * scale
        for block in (*self.blocks, self.blocks[0]):
            x = block(x)
        return self.head(x)


def plain(found):
    return str(found).replace("\N{MULTIPLICATION SIGN}", "x")


def test_the_table_of_a_small_network():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), gd.relu, nn.Dropout(0.2), nn.Linear(128, 10)).eval()
    text = """\
Layer          Output     Parameters  Multiply-adds
───────────────────────────────────────────────────
Sequential     (32, 10)
├─ 0: Flatten  (32, 784)
├─ 1: Linear   (32, 128)     100,480        3.211 M
├─ 2: relu     (32, 128)
├─ 3: Dropout  (32, 128)
└─ 4: Linear   (32, 10)        1,290        40.96 k
───────────────────────────────────────────────────
parameters   101,770, all trainable, 407.1 kB
computation  3.252 M multiply-adds, 6.504 MFLOPs
activations  34.05 kB
mode         evaluation"""
    assert str(nn.summary(model, (32, 28, 28))) == text
    assert repr(nn.summary(model, np.zeros((32, 28, 28), np.float32))) == text


def test_the_table_of_a_deep_one():
    text = """\
Layer                                   Output      Parameters  Multiply-adds
─────────────────────────────────────────────────────────────────────────────
Language                                (3, 5, 11)
├─ head: Linear                         (3, 5, 11)         176         2.64 k
├─ blocks.0: Block x2                   (3, 5, 16)
│  ├─ norm: LayerNorm x2                (3, 5, 16)          32
│  ├─ attention: MultiheadAttention x2  (3, 5, 16)       1,088        35.52 k
│  └─ mlp: Sequential x2                (3, 5, 16)       2,128        61.44 k
├─ blocks.1: Block                      (3, 5, 16)
│  ├─ norm: LayerNorm                   (3, 5, 16)          32
│  ├─ attention: MultiheadAttention     (3, 5, 16)       1,088        17.76 k
│  └─ mlp: Sequential                   (3, 5, 16)       2,128        30.72 k
└─ unused: Linear                       not called           6
─────────────────────────────────────────────────────────────────────────────
parameters   6,678, 3,430 trainable, 3,248 frozen, 26.71 kB
computation  148.1 k multiply-adds, 296.2 kFLOPs
mode         training in part; the pass above ran in evaluation"""
    model = Language()
    model.unused.eval()
    lines = plain(nn.summary(model, (3, 5), dtype=int, depth=2)).split("\n")
    assert lines.pop(-2).startswith("activations  ")
    assert "\n".join(lines) == text


@pytest.mark.parametrize("depth", [None, 0, 1, 2, 3, 9])
def test_columns_add_up_to_the_totals_at_any_depth(depth):
    model = Language()
    found = nn.summary(model, (3, 5), dtype="int64", depth=depth)
    assert sum(row.parameters for row in found.rows) == found.parameters == sum(p.size for p in model.parameters())
    assert sum(row.multiply_adds for row in found.rows) == found.multiply_adds == found.flops // 2
    assert found.trainable + found.frozen == found.parameters
    assert found.frozen == sum(p.size for p in model.blocks[1].parameters())
    assert found.parameter_bytes == 4 * found.parameters
    assert max(row.depth for row in found.rows) == min(3 if depth is None else depth, 3)
    assert all(len(line) <= 100 for line in str(found).split("\n"))


def draw(*shape):
    return RNG.normal(shape)


LINEAR, PLAIN = nn.Linear(4, 5), nn.Linear(4, 5, bias=False)


class Applied(nn.Module):
    def __init__(self, function):
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("model", "shapes", "wanted"),
    [
        (LINEAR, [(7, 4)], 7 * 4 * 5),
        (LINEAR, [(4,)], 4 * 5),
        (PLAIN, [(2, 3, 4)], 2 * 3 * 4 * 5),
        (Applied(lambda x, y: x @ y), [(7, 3, 4), (4, 5)], 7 * 3 * 4 * 5),
        (Applied(lambda x, y: x @ y), [(3, 4), (4,)], 3 * 4),
        (Applied(lambda x, y: x @ y), [(4,), (4,)], 4),
        (Applied(lambda x, y: gd.einsum("bij,bjk->bik", x, y)), [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        (Applied(lambda x, y, z: gd.einsum("ij,jk,kl->il", x, y, z)), [(3, 4), (4, 5), (5, 6)], 3 * 5 * (4 + 6)),
        (Applied(lambda x, y: gd.tensordot(x, y, axes=2)), [(3, 4, 5), (4, 5, 6)], 3 * 4 * 5 * 6),
        (Applied(gd.outer), [(3,), (4,)], 12),
        (nn.Conv1d(4, 6, 3), [(2, 4, 9)], 2 * 6 * 7 * 4 * 3),
        (nn.Conv2d(4, 6, 3, padding=1, groups=2), [(2, 4, 8, 9)], 2 * 6 * 8 * 9 * 2 * 9),
        (nn.Conv2d(4, 6, 3, stride=2, bias=False), [(4, 8, 9)], 6 * 3 * 4 * 4 * 9),
        (nn.Conv3d(1, 2, 2), [(1, 1, 3, 3, 3)], 2 * 8 * 8),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), [(2, 4, 8, 9)], 2 * 4 * 8 * 9 * 3 * 9),
        (nn.ReLU(), [(3, 4)], 0),
        (nn.LayerNorm(4), [(3, 4)], 0),
    ],
)
def test_multiply_adds(model, shapes, wanted):
    assert nn.summary(model, *shapes).multiply_adds == wanted


def test_attention_counts_projections_and_both_products():
    batch, targets, sources, width = 3, 5, 7, 8
    model = nn.MultiheadAttention(width, 2, batch_first=True)
    found = nn.summary(model, (batch, targets, width), (batch, sources, width), (batch, sources, width))
    projections = batch * width * width * (2 * targets + 2 * sources)
    assert found.multiply_adds == projections + 2 * batch * targets * sources * width
    assert found.rows[0].outputs == ((batch, targets, width), (batch, targets, sources))


def test_attention_in_blocks_counts_the_same():
    found = nn.summary(
        Applied(nn.functional.scaled_dot_product_attention), (1, 2, 3000, 4), (1, 2, 3000, 4), (1, 2, 3000, 6)
    )
    assert found.multiply_adds == 2 * 3000 * 3000 * (4 + 6)


def test_activations_are_the_results_that_take_memory():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), gd.tanh, nn.Dropout(), lambda x: x.reshape((-1,)))
    assert nn.summary(model, (2, 3, 4)).activation_bytes == 4 * (10 + 10)  # neither Flatten nor the last reshape copy
    assert nn.summary(model.to("float64"), (2, 3, 4)).activation_bytes == 8 * (10 + 10)


def test_a_shared_module_is_counted_once_and_marked():
    layer = nn.Linear(4, 4)
    found = nn.summary(nn.Sequential(layer, gd.relu, layer), (2, 4))
    first, again = found.rows[1], found.rows[3]
    assert (first.calls, first.parameters, first.repeated, first.multiply_adds) == (2, 20, 0, 64)
    assert (again.parameters, again.repeated, again.multiply_adds) == (0, 20, 0)
    assert found.parameters == 20
    text = plain(found)
    assert "0: Linear x2" in text
    assert re.search(r"2: Linear +\(2, 4\) +\(20\)\n", text)
    assert text.endswith("in parentheses: shared, and counted above")


def test_a_shared_parameter_is_counted_once_and_marked():
    a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    b.weight = a.weight
    found = nn.summary(nn.Sequential(a, b), (2, 4))
    assert [(row.parameters, row.repeated) for row in found.rows] == [(0, 0), (20, 0), (4, 16)]
    assert re.search(r"1: Linear .* 4 \(16\) ", str(found))


def test_without_inputs_there_are_only_parameters():
    found = nn.summary(nn.Sequential(nn.Linear(3, 2), gd.tanh))
    assert (found.multiply_adds, found.flops, found.activation_bytes) == (None, None, None)
    assert (
        str(found)
        == """\
Layer         Parameters
────────────────────────────────────────
Sequential
├─ 0: Linear           8
└─ 1: tanh
────────────────────────────────────────
parameters  8, all trainable, 32 B
mode        training"""
    )
    assert "parameters  none" in str(nn.summary(nn.ReLU()))


def test_outputs_of_every_form():
    model = Applied(lambda x: {"a": (x, [x[0], None]), "b": x.sum()})
    found = nn.summary(model, (2, 3))
    assert found.rows[0].outputs == ((2, 3), (3,), ())
    many = nn.summary(Applied(lambda x: [x] * 9), (100, 200, 3))
    assert "(100, 200, 3), (100, 200, 3), +7" in str(many)


def test_integer_inputs_and_keyword_arguments():
    model = Language()
    assert nn.summary(model, gd.zeros((2, 3), dtype="int64"), kwargs={"scale": 2.0}).rows[0].outputs == ((2, 3, 11),)
    pair = Applied(lambda ids, x: x[ids])
    assert nn.summary(pair, (4,), (5, 6), dtype=["int64", "float16"]).rows[0].outputs == ((4, 6),)


def test_made_up_inputs_have_the_dtype_of_the_model():
    seen = []
    model = nn.Sequential(lambda x: (seen.append(x), x)[1], nn.Linear(3, 2, dtype="float64"))
    nn.summary(model, (5, 3))
    assert seen[0].dtype == np.float64
    assert seen[0].data.std() > 0.1


class Restless(nn.Module):
    """Its forward changes whatever it can reach."""

    def __init__(self):
        self.inner = nn.Sequential(nn.Linear(3, 3), gd.relu, nn.Dropout(0.5, generator=gd.random.Generator(1)))
        self.rng = gd.random.Generator(2)
        self.count, self.history, self.named, self.kinds = 0, [1], {"a": 1}, {1}
        self.mean, self.array = gd.zeros(3), np.zeros(3)
        self.nested = [gd.zeros(3)]

    def forward(self, x):
        self.count += 1
        self.history.append(x)
        self.named["b"] = 2
        self.kinds.add(2)
        self.cache = x
        self.mean.data += 1.0
        self.nested[0].data += 1.0
        self.array += 1.0
        self.inner.train()
        return self.inner(x) + self.rng.normal(3) + gd.random.normal(3)


def state_of(model):
    named = {name: (module.training, dict(vars(module))) for name, module in model.named_modules()}
    numbers = {name: array.tobytes() for name, array in model.state_dict().items()}
    return named, numbers, model.history.copy(), dict(model.named), set(model.kinds), list(model.inner)


@pytest.mark.filterwarnings("ignore:Dropout.p=0.5. is in training mode:RuntimeWarning")  # its forward switches modes
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("mode", [True, False])
def test_the_model_is_left_as_it_was(mode, fails):
    model = Restless().train(mode)
    model.inner[2].train(not mode)
    model(gd.ones((4, 3))).sum().backward()
    gradients = {name: p.grad.data.copy() for name, p in model.named_parameters()}
    before = state_of(model)
    generators = [g.get_state() for g in (model.rng, model.inner[2].generator, gd.random.default_generator())]
    arrays = [model.mean.data.copy(), model.nested[0].data.copy(), model.array.copy()]
    if fails:
        with pytest.raises(ShapeError):
            nn.summary(model, (4, 2))
    else:
        nn.summary(model, (4, 3))
    assert state_of(model) == before
    assert generators == [g.get_state() for g in (model.rng, model.inner[2].generator, gd.random.default_generator())]
    after = [model.mean.data, model.nested[0].data, model.array]
    assert all(np.array_equal(a, b) for a, b in zip(arrays, after, strict=True))
    assert all(np.array_equal(p.grad.data, gradients[name]) for name, p in model.named_parameters())
    assert gd.is_grad_enabled()


def test_an_error_says_in_which_layer():
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 2)))
    with pytest.raises(ShapeError) as caught:
        nn.summary(model, (2, 3))
    assert [note for note in caught.value.__notes__ if "summary" in note] == ["nn.summary: while 1.1 (Linear) ran"]
    with pytest.raises(ZeroDivisionError) as caught:
        nn.summary(nn.Sequential(nn.ReLU(), lambda x: 1 / 0), (2, 3))
    assert caught.value.__notes__ == ["nn.summary: while 1 of the model (Sequential) ran"]


def test_containers_of_every_kind():
    class Net(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList([nn.Linear(4, 4), nn.ReLU()])
            self.named = nn.ModuleDict({"out": nn.Linear(4, 2, bias=False)})
            self.scales = nn.ParameterList([nn.Parameter([1.0]), nn.Parameter([2.0])])
            self.plain = [gd.tanh, nn.Residual(gd.tanh), nn.Sequential({"first": gd.relu, "second": nn.Linear(4, 4)})]

        def forward(self, x):
            for layer in (*self.layers, *self.plain):
                x = layer(x)
            return self.named["out"](x) * self.scales[0]

    model = Net()
    shown = repr(model)
    found = nn.summary(model, (3, 4))
    assert [(row.name, row.kind, row.outputs, row.parameters) for row in found.rows] == [
        ("", "Net", ((3, 2),), 0),
        ("layers", "ModuleList", (), 0),
        ("0", "Linear", ((3, 4),), 20),
        ("1", "ReLU", ((3, 4),), 0),
        ("named", "ModuleDict", (), 0),
        ("out", "Linear", ((3, 2),), 8),
        ("scales", "ParameterList", (), 2),
        ("plain.1", "Residual", ((3, 4),), 0),
        ("inner", "tanh", ((3, 4),), 0),
        ("plain.2", "Sequential", ((3, 4),), 0),
        ("first", "relu", ((3, 4),), 0),
        ("second", "Linear", ((3, 4),), 20),
    ]
    assert "not called" not in str(found)
    assert repr(model) == shown
    assert list(model.plain[2]) == [gd.relu, model.plain[2].second]


def test_hooks_run_and_stay():
    model, seen = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), []
    model[0].register_forward_hook(lambda module, args, output: seen.append(output.shape))
    nn.summary(model, (4, 3))
    model(gd.zeros((5, 3)))
    assert seen == [(4, 2), (5, 2)]


def test_buffers_are_told_and_left_as_they_were():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model(gd.random.normal((6, 3)))
    before = model.state_dict()
    found = nn.summary(model, (1, 3))  # a single sample: in training mode it would be refused
    assert (found.buffers, found.buffer_bytes) == (9, 40)
    assert "\nbuffers      9, 40 B\n" in str(found)
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_are_counted(kind):
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind]
    found = nn.summary(getattr(nn, kind)(4, 6, batch_first=True), (3, 5, 4))
    assert found.multiply_adds == 3 * 5 * gates * 6 * (4 + 6)
    assert found.rows[0].outputs == ((3, 5, 6),) + ((1, 3, 6),) * (2 if kind == "LSTM" else 1)


@pytest.mark.parametrize(
    ("function", "shape", "wanted"),
    [
        (nn.Linear(3, 2), (5, 3), 5 * 3 * 2),
        (nn.Conv2d(1, 2, 3), (5, 1, 4, 4), 5 * 2 * 4 * 9),
        (lambda x: gd.einsum("ij,jk->ik", x, x), (5, 3, 3), 5 * 27),
        (lambda x: x @ x, (5, 3, 3), 5 * 27),
    ],
)
def test_within_vmap_all_entries_count(function, shape, wanted):
    found = nn.summary(Applied(gd.vmap(function)), shape)
    assert found.multiply_adds == wanted
    assert found.rows[0].outputs == (gd.vmap(function)(gd.zeros(shape)).shape,)


def test_html_has_what_the_text_has():
    model = nn.Sequential(nn.Linear(1000, 3), nn.Sequential(gd.relu, Applied(lambda x: x)), lambda x: x)
    html = nn.summary(model, (2, 1000))._repr_html_()
    for text in ("<b>Sequential</b>", ">0:</span> <b>Linear</b>", ">(2, 3)<", ">3,003<", ">6 k<", "&lt;lambda&gt;"):
        assert text in html
    assert html.count("<tr>") == html.count("</tr>") == 1 + 6 + 4
    assert "<lambda>" not in html
    assert nn.summary(model)._repr_html_().count("<th ") == 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.summary(nn.Linear, (1, 2)), TypeError, "and not the class Linear: make a module of it first"),
        (lambda: nn.summary(gd.relu, (1, 2)), TypeError, "summary takes a module, and not a "),
        (
            lambda: nn.summary(nn.ReLU(), (1,), depth=-1),
            ValueError,
            "depth is -1, and the number of levels is 0 or more",
        ),
        (lambda: nn.summary(nn.ReLU(), (1,), dtype=["int64", "int64"]), ValueError, "2 dtypes for 1 inputs: give one"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234567, "1.235 MB"), (999_999, "1 MB"), (12_345_678_901, "12.35 GB"),
     (1e19, "1e+04 PB")],
)  # fmt: skip
def test_numbers_for_people(number, text):
    assert human(number, "B") == text
