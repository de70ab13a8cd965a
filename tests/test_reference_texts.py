"""What the reference has to say of every optimizer, schedule and data set; and the tables of their layers' pages."""

from __future__ import annotations

import re
from pathlib import Path

import grad_data as data
import grad_optim as optim
import pytest
from grad_optim import lr_scheduler

DOCS = Path(__file__).parents[1] / "docs"
OPTIMIZERS = [
    name
    for name in optim.__all__
    if isinstance(each := getattr(optim, name), type)
    and issubclass(each, optim.Optimizer)
    and each is not optim.Optimizer
]
SCHEDULES = [name for name in lr_scheduler.__all__ if name != "LRScheduler"]
SETS = ["MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST"]
YEAR = re.compile(r"\((19|20)\d\d\)")


def flat(text: str) -> str:
    return " ".join(text.split())


def page(*parts: str) -> str:
    return DOCS.joinpath(*parts).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_has_its_equation_paper_differences_and_use(name):
    doc = getattr(optim, name).__doc__
    equation = re.search(r"```text\n(.*?)```", doc, re.DOTALL)
    assert equation
    assert "p <- p" in equation[1]
    before_arguments = flat(doc.partition("Args:")[0])
    assert YEAR.search(before_arguments)
    assert re.search(r'"[A-Z][^"]{10,}"|Lecture 6\.5', before_arguments)  # the title
    if torchs := re.search(r"``torch\.optim\.(\w+)``", before_arguments):
        assert torchs[1] in (name, "RMSprop")
        assert "Different from" in before_arguments or "but for its rounding" in before_arguments
    else:
        assert "PyTorch has none" in before_arguments
    assert before_arguments.count("Choose it") == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_option_of_an_optimizer_is_described_and_in_its_equation_or_explained(name):
    doc = getattr(optim, name).__doc__
    described = set(re.findall(r"^ {8}(\w+): ", doc.partition("Args:")[2].partition("Raises:")[0], re.MULTILINE))
    defaults = getattr(optim, name).__init__.__annotations__.keys() - {"params", "return"}
    assert defaults <= described


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_schedule_has_its_rule_and_where_it_comes_from(name):
    doc = flat(getattr(lr_scheduler, name).__doc__.partition("Args:")[0])
    in_words = name in ("SequentialLR", "ChainedScheduler", "ReduceLROnPlateau")
    assert in_words or re.search(r"\blr +(=|<-) |```text", doc)
    assert "torch.optim" in doc or "PyTorch has none" in doc


def test_the_page_on_optimizers_says_when_to_take_each_and_each_schedule():
    text = page("layers", "grad-optim.md")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    named = {word for row in rows for word in re.findall(r"`(\w+)", row.partition(" | ")[0] + row.partition(" | ")[2])}
    assert set(OPTIMIZERS) - {"RMSprop"} <= named  # another name of RMSProp
    assert set(SCHEDULES) <= named


@pytest.mark.parametrize("name", SETS)
def test_each_data_set_has_its_licence_size_checksums_and_places(name):
    doc = flat(getattr(data, name).__doc__)
    collection = getattr(data, name)._collection
    assert "licence" in doc
    assert re.search(r"\d MB", doc)
    assert "MD5" in doc if name == "QMNIST" else "SHA-256" in doc
    assert f"`{collection.folder}`" in doc or f"`{collection.folder}/" in doc
    assert "looked for in" in doc or "Places, arguments and errors are those of `MNIST`" in doc
    assert "torchvision" in doc  # whose folders are found


@pytest.mark.parametrize("name", SETS)
def test_the_page_on_data_lists_every_file_with_its_size_and_checksum(name):
    text = page("layers", "grad-data.md")
    collection = getattr(data, name)._collection
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` | ")]
    files = [collection.bundle] if collection.bundle else collection.archives
    listed = [line for line in text.splitlines() if line.startswith(f"| {name} | `")]
    assert listed == [
        f"| {name} | `{file.name}`, {file.size:,} bytes | `{file.sha256}` |"
        if file.size
        else f"| {name} | `{file.name}` | `{file.md5}` |"
        for file in files
    ]
    assert f"(`{collection.folder}`)" in row
    if collection.bundle or all(file.size for file in files):
        size = sum(file.size for file in files) / 1e6
        assert f"{size:.0f} MB" in row or f"{size:.1f} MB" in row
    for file in files if not collection.bundle else ():
        if len(file.shape) == 3:
            assert f"{file.shape[0]:,}" in row


@pytest.mark.parametrize("name", [name for name in SETS if name != "EMNIST"])
def test_sizes_in_the_reference_are_those_of_the_files(name):
    doc = flat(getattr(data, name).__doc__)
    archives = getattr(data, name)._collection.archives
    sizes = [sum(archive.limit for archive in archives)]
    if name == "QMNIST":
        sizes = [sum(archive.limit for archive in archives[i : i + 2]) for i in (0, 4)]
    assert all(f"{size / 1e6:.1f} MB" in doc for size in sizes)
