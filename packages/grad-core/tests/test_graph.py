"""Walking over graphs, listing and drawing them: what is shown, in which order, escaped, limited, and saved whole."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import grad_core as gd
import numpy as np
import pytest
from grad_core import extend
from grad_core.errors import GradientError

SVG = "{http://www.w3.org/2000/svg}"


def leaf(*values: float, name: str | None = None) -> gd.Tensor:
    return gd.tensor(values[0] if len(values) == 1 else list(values), requires_grad=True, name=name)


@extend.op(vjp=(lambda g, ans, _x: g[0] * ans[1] - g[1] * ans[0],))
def sincos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.sin(x), np.cos(x)


def lesson() -> tuple[gd.Tensor, ...]:
    """The first expression of the micrograd tutorial."""
    a, b, c, f = (leaf(v, name=n) for n, v in (("a", 2.0), ("b", -3.0), ("c", 10.0), ("f", -2.0)))
    e = a * b
    e.name = "e"
    d = e + c
    d.name = "d"
    total = d * f
    total.name = "L"
    return a, b, c, d, e, f, total


def boxes(drawing: gd.graph.Drawing) -> list[tuple[str, list[str]]]:
    """The boxes of the SVG: kind, and the lines in it."""
    root = ET.fromstring(drawing.svg)  # noqa: S314 - it was made here
    groups = [g for g in root.iter(f"{SVG}g") if "class" in g.attrib]
    return [(g.attrib["class"], [t.text or "" for t in g.findall(f"{SVG}text")]) for g in groups]


def remarks(drawing: gd.graph.Drawing) -> str:
    root = ET.fromstring(drawing.svg)  # noqa: S314 - it was made here
    return " ".join(t.text or "" for t in root.findall(f"{SVG}text"))


# Walking


def test_each_op_call_comes_once_and_after_all_that_use_it() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    z = gd.sin(y) + gd.exp(y) * y
    order = list(gd.graph.walk([z.sum(), z]))
    assert sorted(node.name for node in order) == ["add", "exp", "multiply", "multiply", "sin", "sum"]
    place = {node: i for i, node in enumerate(order)}
    for node in order:
        assert all(place[edge] > place[node] for edge, _ in node.next_functions if edge in place)


def test_a_leaf_has_nothing_to_walk_over() -> None:
    assert list(gd.graph.walk(leaf(1.0))) == []
    assert list(gd.graph.walk(gd.ones(2))) == []


def test_depth_and_width_are_no_limit() -> None:
    y = leaf(1.0)
    for _ in range(100_000):
        y = y + 1.0
    assert sum(1 for _ in gd.graph.walk(y)) == 100_000
    drawing = gd.graph.draw(y, max_nodes=5, constants=False)
    assert [kind for kind, _ in boxes(drawing)] == ["result", "op", "op", "op", "op", "op", "more"]
    assert boxes(drawing)[-1][1] == ["99,995 older", "not drawn"]
    assert remarks(drawing) == ("99,995 older op calls are left out: max_nodes=5 was reached, raise it to see more")
    assert gd.graph.listing(y, max_nodes=3).splitlines()[-1].startswith("99,997 older op calls are left out")
    assert "%% 99,995 older" in drawing.mermaid
    assert "99,995 older op calls" in drawing.dot


def test_a_diamond_of_depth_50_is_drawn_at_once() -> None:
    y = leaf(1.0, 2.0)
    for _ in range(50):
        y = gd.sin(y) + gd.cos(y)
    drawing = gd.graph.draw(y)
    assert sum(kind == "op" for kind, _ in boxes(drawing)) == 150


# Listing


def test_the_listing_of_the_lesson() -> None:
    *_, total = lesson()
    assert gd.graph.listing(total).splitlines() == [
        "#  op        result        inputs",
        "1  multiply  L () float32  #2, f",
        "2  add       d () float32  #3, c",
        "3  multiply  e () float32  a, b",
    ]


def test_leaves_without_a_name_are_numbered_and_options_and_constants_shown() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    total = (x * y * np.array([5.0, 6.0], "float32")).sum(axis=0)
    lines = gd.graph.listing(total).splitlines()
    assert lines[1:] == [
        "1  sum       axis=(0,), () float32  #2",
        "2  multiply  (2,) float32           #3, constant",
        "3  multiply  (2,) float32           leaf 1, leaf 2",
    ]


# What is drawn


def test_the_boxes_of_the_lesson_with_values_and_gradients() -> None:
    _a, _b, _c, d, e, _f, total = lesson()
    d.retain_grad()
    e.retain_grad()
    total.backward(retain_graph=True)
    assert boxes(gd.graph.draw(total, values=True)) == [
        ("result", ["L", "() float32", "value -8"]),
        ("op", ["multiply"]),
        ("op", ["add", "d () float32", "value 4", "grad -2"]),
        ("op", ["multiply", "e () float32", "value -6", "grad -2"]),
        ("leaf", ["f", "() float32", "value -2", "grad 4"]),
        ("leaf", ["c", "() float32", "value 10", "grad -2"]),
        ("leaf", ["a", "() float32", "value 2", "grad 6"]),
        ("leaf", ["b", "() float32", "value -3", "grad -4"]),
    ]


def test_the_lesson_as_mermaid() -> None:
    *_, total = lesson()
    drawing = gd.graph.draw(total, format="mermaid")
    assert str(drawing) == drawing.mermaid
    assert drawing.mermaid.splitlines() == [
        "flowchart TD",
        "  accTitle: graph of 3 op calls, 4 leaves",
        '  n0["L<br/>() float32"]:::result',
        '  n1(["multiply"]):::op',
        '  n2(["add<br/>d () float32"]):::op',
        '  n3(["multiply<br/>e () float32"]):::op',
        '  n4["f<br/>() float32"]:::leaf',
        '  n5["c<br/>() float32"]:::leaf',
        '  n6["a<br/>() float32"]:::leaf',
        '  n7["b<br/>() float32"]:::leaf',
        "  n1 --> n0",
        "  n2 --> n1",
        "  n4 --> n1",
        "  n3 --> n2",
        "  n5 --> n2",
        "  n6 --> n3",
        "  n7 --> n3",
        "  classDef leaf fill:#d8f3e3,stroke:#2b8a57,color:#16202e",
        "  classDef op fill:#e4ebfd,stroke:#5470c6,color:#16202e",
        "  classDef result fill:#ffe9c7,stroke:#c07a12,color:#16202e",
    ]


def test_the_lesson_as_dot() -> None:
    *_, total = lesson()
    lines = gd.graph.draw(total).dot.splitlines()
    assert lines[0] == "digraph grad {"
    assert lines[3] == (
        '  n0 [label="L\\n() float32", style="filled", fillcolor="#ffe9c7", color="#c07a12", fontcolor="#16202e"];'
    )
    assert '  n6 -> n3 [tooltip="argument 0 of multiply"];' in lines
    assert lines[-1] == "}"


def test_the_same_graph_gives_the_same_text() -> None:
    assert gd.graph.draw(lesson()[-1], values=True).svg == gd.graph.draw(lesson()[-1], values=True).svg


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (lambda x: (x + 1.0) * 2.0, ["(2, 3)"]),  # saved by nobody, of the result's shape
        (lambda x: x.sum(axis=0) * 2.0, ["(3,)"]),
        (lambda x: (x @ gd.ones((3, 4))).reshape(8), ["(2, 4)"]),
        (lambda x: gd.exp(x * 2.0).sum(axis=1).mean(), ["(2,)", "(2, 3)", "(2, 3)"]),
        (lambda x: gd.concat([x * 2.0, x * 3.0]), ["(2, 3)", "(2, 3)"]),
        (lambda x: (lambda s, c: s * c)(*sincos(x)), ["(2, 3)", "(2, 3)"]),
    ],
)
def test_shapes_on_the_way_are_known(make: Any, shapes: list[str]) -> None:
    y = make(gd.ones((2, 3), requires_grad=True))
    found = [line.removesuffix(" float32") for kind, lines in boxes(gd.graph.draw(y)) if kind == "op" for line in lines]
    assert [line for line in found if line.startswith("(")] == shapes


def test_constants_can_be_left_out_and_numbers_stand_for_themselves() -> None:
    y = leaf(1.0, 2.0) * 2.5 * np.float32(4.0) * gd.ones(2)
    assert [lines for kind, lines in boxes(gd.graph.draw(y)) if kind == "constant"] == [
        ["constant", "(2,) float32"],
        ["4", "() float32"],
        ["2.5"],
    ]
    assert [kind for kind, _ in boxes(gd.graph.draw(y, constants=False))] == ["result", "op", "op", "op", "leaf"]


def test_several_results_and_several_tensors() -> None:
    x = leaf(0.3, 0.4, name="x")
    s, c = sincos(x)
    c.name = "c"
    assert boxes(gd.graph.draw(s))[1] == ("op", ["sincos", "c (2,) float32"])
    drawing = gd.graph.draw([s, c, x])
    assert [lines[0] for _, lines in boxes(drawing)] == ["result", "c", "sincos", "x"]
    assert repr(drawing) == "<graph of 1 op call, 1 leaf>"


def test_a_leaf_alone() -> None:
    assert boxes(gd.graph.draw(leaf(2.0, name="w"), values=True)) == [("leaf", ["w", "() float32", "value 2"])]


def test_a_released_graph_is_drawn_and_says_what_is_missing() -> None:
    x = leaf(2.0, 3.0, name="x")
    y = x * x
    z = gd.exp(y)
    z.name = "z"
    total = z.sum()
    total.backward()
    drawing = gd.graph.draw(total)
    assert boxes(drawing)[1:4] == [
        ("op", ["sum"]),
        ("op", ["exp", "z (2,) float32"]),
        ("op", ["multiply", "? float32"]),
    ]
    assert remarks(drawing) == (
        "3 of 3 op calls were released by backward, with the shapes that they knew: draw before it, or pass it "
        "retain_graph=True"
    )
    assert "shapes and values that they knew" in gd.graph.listing(total, values=True)


def test_names_go_with_the_op_call_when_the_tensor_is_gone_and_change_with_it() -> None:
    def made() -> gd.Tensor:
        inner = leaf(1.0) * 2.0
        inner.name = "first"
        inner.name = "inner"
        other = inner + 1.0
        other.name = "other"
        other.name = None
        return gd.exp(other)

    lines = [line for _, lines in boxes(gd.graph.draw(made())) for line in lines]
    assert "inner () float32" in lines
    assert not any("first" in line or "other" in line for line in lines)


def test_inside_vmap_and_of_checkpoints() -> None:
    seen: list[Any] = []

    def function(x: gd.Tensor) -> gd.Tensor:
        y = gd.exp(x * x)
        seen.append(boxes(gd.graph.draw(y.sum(), values=True, constants=False)))
        return y.sum()

    expected = [
        ("result", ["result", "() float32"]),
        ("op", ["sum"]),
        ("op", ["exp", "(3,) float32"]),
        ("op", ["multiply", "(3,) float32"]),
        ("leaf", ["leaf", "(3,) float32"]),
    ]
    gd.vmap(gd.grad(function))(gd.ones((2, 3)))
    assert seen == [expected]
    y = gd.checkpoint(lambda x: gd.exp(x * x).sum())(leaf(1.0, 2.0))
    assert [lines[0] for _, lines in boxes(gd.graph.draw(y))] == ["result", "sum", "exp", "multiply", "leaf"]


def test_an_assigned_tensor_shows_at_its_last_op_call() -> None:
    x = leaf(2.0)
    y = (x * 3.0).reshape(1) * 1.0
    y.name = "y"
    y.retain_grad()
    y[0] = x * 5.0
    y.sum().backward(retain_graph=True)
    found = boxes(gd.graph.draw(y.sum(), values=True, constants=False))
    shown = [lines for _, lines in found if any("y (1,)" in line for line in lines)]
    assert [lines[-2:] for lines in shown] == [["value 10", "grad 1"], ["multiply", "y (1,) float32"]]


def test_a_second_order_graph() -> None:
    x = leaf(1.0, 2.0, name="x")
    g = gd.gradients(gd.tanh(x).sum(), [x], create_graph=True)[x]
    assert "tanh" in [lines[0] for _, lines in boxes(gd.graph.draw(g))]


# Text that could break the format

NASTY = "<&>\"'`\\ #;]})|\n%% \x00\x1b end"


def test_names_are_escaped() -> None:
    y = leaf(1.0, name=NASTY) * 2.0
    drawing = gd.graph.draw(y)
    assert ("leaf", ["<&>\"'`\\ #;]})| %% \ufffd\ufffd end", "() float32"]) in boxes(drawing)
    ET.fromstring(drawing.svg)  # noqa: S314 - it was made here
    line = next(line for line in drawing.dot.splitlines() if "end" in line)
    assert line.startswith('  n2 [label="<&>\\"\'`\\\\ #;]})|\\n%% ')
    line = next(line for line in drawing.mermaid.splitlines() if "end" in line)
    assert line.startswith('  n2["#60;#38;#62;#34;#39;#96;#92; #35;#59;#93;#125;)#124; #37;#37; ')
    assert line.count('"') == 2


def test_long_names_are_shortened_in_the_drawing_only() -> None:
    drawing = gd.graph.draw(leaf(1.0, name="w" * 100) * 2.0)
    assert ("leaf", ["w" * 33 + "…", "() float32"]) in boxes(drawing)
    assert f"<title>leaf: {'w' * 100}</title>" in drawing.svg


def test_it_is_accessible_and_shown_by_notebooks() -> None:
    drawing = gd.graph.draw(lesson()[-1])
    root = ET.fromstring(drawing._repr_svg_())  # noqa: S314 - it was made here
    assert root.attrib["role"] == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "graph of 3 op calls, 4 leaves"
    titles = [t.text for t in root.iter(f"{SVG}title")]
    assert "a → multiply: argument 0 of multiply" in titles


# Files


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("g.svg", "svg"),
        ("g.SVG", "svg"),
        ("g.dot", "dot"),
        ("g.gv", "dot"),
        ("g.mmd", "mermaid"),
        ("g.mermaid", "mermaid"),
    ],
)
def test_the_ending_chooses_what_is_saved(tmp_path: Path, name: str, attribute: str) -> None:
    drawing = gd.graph.draw(lesson()[-1])
    drawing.save(tmp_path / name)
    drawing.save(str(tmp_path / name))
    assert (tmp_path / name).read_bytes().decode() == getattr(drawing, attribute)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = gd.graph.draw(lesson()[-1])
    (tmp_path / "g.svg").write_text("old")

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        drawing.save(tmp_path / "g.svg")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("g.svg", "old")]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: gd.graph.draw(gd.ones(2)),
            GradientError,
            "does not require grad has no graph: nothing it was computed",
        ),
        (lambda: gd.graph.listing(gd.tensor(1.0, name="c")), GradientError, r"\(name='c'\) has no graph"),
        (
            lambda: gd.graph.draw(leaf(1.0), format="png"),
            ValueError,
            "draw: format is one of 'svg', 'dot', 'mermaid', and not 'png'",
        ),
        (lambda: gd.graph.draw(leaf(1.0), max_nodes=0), ValueError, "max_nodes must be at least 1, and is 0"),
        (lambda: gd.graph.draw(leaf(1.0)).save("g.png"), ValueError, "'g.png' ends with none of .svg, .dot, .gv, .mmd"),
    ],
)
def test_errors(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
