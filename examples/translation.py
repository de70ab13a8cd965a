"""A Transformer that translates from English to German, on sentences made by rule.

    python3 examples/translation.py
    python3 examples/translation.py --say "The old man must look for a letter." "A quiet girl sees the new garden."

The sentences are few words in many combinations. German wants the right gender, case and ending for each, the verb's
infinitive at the end and the time before the object, so words cannot be replaced one by one. Sentences for testing do
not occur in training. The same options give the same numbers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

# One thread, before NumPy is imported: then the numbers are the same on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import grad_core as gd
import grad_data as data
import grad_nn as nn
import grad_optim as optim
import numpy as np
from _program import COUNT, RATE, SHARE, finite, number, options, parsed, start

LONGEST = 40  # tokens of a sentence, START and END among them


class Translator(nn.Module):
    """Scores of the next German token, from an English sentence and the German tokens so far."""

    def __init__(self, english: data.Vocabulary, german: data.Vocabulary, args: argparse.Namespace) -> None:
        """For these vocabularies."""
        rng = gd.random.Generator(args.seed)
        self.pad = german[german.PAD]
        self.english = nn.Embedding(len(english), args.width, generator=rng)
        self.german = nn.Embedding(len(german), args.width, generator=rng)
        self.places = nn.SinusoidalPositionalEncoding(args.width, LONGEST)
        self.transformer = nn.Transformer(
            args.width,
            args.heads,
            args.layers,
            args.layers,
            4 * args.width,
            args.dropout,
            batch_first=True,
            norm_first=True,
            generator=rng,
        )
        self.scores = nn.Linear(args.width, len(german), generator=rng)

    def encode(self, source: np.ndarray) -> gd.Tensor:
        """What the encoder makes (N, S, width) of English tokens (N, S)."""
        padding = data.padding_mask(source, self.pad)
        return self.transformer.encoder(self.places(self.english(source)), src_key_padding_mask=padding)

    def decode(self, target: np.ndarray, memory: gd.Tensor, source: np.ndarray) -> gd.Tensor:
        """Scores (N, T, words) of what follows each of the German tokens (N, T), of which none sees the later ones."""
        padding = data.padding_mask(source, self.pad)
        x = self.places(self.german(target))
        return self.scores(self.transformer.decoder(x, memory, memory_key_padding_mask=padding, tgt_is_causal=True))

    def forward(self, source: np.ndarray, target: np.ndarray) -> gd.Tensor:
        """Both in turn."""
        return self.decode(target, self.encode(source), source)


def main() -> None:
    """Sentences, model, training, and translations."""
    began = time.perf_counter()
    args = arguments()
    sentences = data.Translation(args.sentences, seed=args.seed)
    tests = data.Translation(200 if args.quick else 1000, seed=args.seed, train=False)
    *train, english, german = sentences.as_arrays()
    source, target, _, _ = tests.as_arrays(english, german)
    model = Translator(english, german, args)
    print(f"data: {len(sentences):,} pairs of sentences to train on, {len(tests):,} others to test on", end="; ")
    print(f"{len(english)} English and {len(german)} German tokens")
    print(f"model: {args.layers} + {args.layers} layers, {sum(p.size for p in model.parameters()):,} numbers to learn")
    asked = [english.encode(data.tokenize(text), start=True, end=True) for text in args.say]
    unknown = {word for text in args.say for word in data.tokenize(text) if word not in english}
    if unknown:
        sys.exit(f"translation.py: the training has no such word: {', '.join(sorted(unknown))}")
    print(
        f"\nbefore training: {tests[0][0]}\n                 {' '.join(german.decode(greedy(model, source[:1])[0]))}\n"
    )

    fit(model, tuple(train), (source, target), args)

    found = greedy(model, source)
    right = [german.decode(ours) == german.decode(theirs) for ours, theirs in zip(found, target, strict=True)]
    print("\nsentences it has never seen:\n")
    for place in [*range(5), *(place for place in range(5, len(right)) if not right[place])][:7]:
        show(tests[place][0], german.decode(found[place]), None if right[place] else german.decode(target[place]))
    if asked:
        for text, tokens in zip(args.say, greedy(model, data.pad_sequences(asked)), strict=True):
            show(text, german.decode(tokens))
    steps(model, source[:1], german)
    print(f"\nin all {time.perf_counter() - began:.1f} s")
    print(f"test: {100 * np.mean(right):.1f} % of the sentences are translated without a mistake")


def fit(model: Translator, train: tuple, test: tuple, args: argparse.Namespace) -> None:
    """Train, with a row of the table after each epoch.

    The decoder gets the German sentence without its last token and has to say it without its first: at every place
    the next token, from the true ones before.
    """
    loader = data.DataLoader(train, batch_size=args.batch_size, shuffle=True, seed=args.seed)
    optimizer = optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.98))
    loss_of = nn.CrossEntropyLoss(ignore_index=model.pad)
    total, step = args.epochs * len(loader), 0
    print(f"{'epoch':>5}  {'loss':>8}  {'words right, test':>17}  {'seconds':>7}")
    began = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        losses = []
        for source, target in loader:
            # The learning rate rises over the first fifth of the steps and then falls to nothing.
            optimizer.param_groups[0]["lr"] = args.lr * min(5 * (step + 1), 1.25 * (total - step)) / total
            step += 1
            scores = model(source, target[:, :-1])
            loss = loss_of(scores.reshape(-1, scores.shape[-1]), target[:, 1:].ravel())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        finite(losses[-1], f"a smaller --lr than {args.lr} may help")
        seconds = time.perf_counter() - began
        print(
            f"{epoch:5d}  {np.mean(losses):8.4f}  {100 * words_right(model, *test):15.2f} %  {seconds:7.1f}", flush=True
        )


def words_right(model: Translator, source: np.ndarray, target: np.ndarray) -> float:
    """The share of German tokens that are found where the true ones before are given."""
    model.eval()
    with gd.no_grad():
        found = model(source, target[:, :-1]).numpy().argmax(axis=-1)
    model.train()
    counts = target[:, 1:] != model.pad
    return float((found == target[:, 1:])[counts].mean())


def greedy(model: Translator, source: np.ndarray) -> np.ndarray:
    """Translations (N, T) of English tokens (N, S): always the likeliest next token, until all sentences have ended.

    The English sentence is encoded once. What comes after END in a row means nothing.
    """
    start, end = 1, 2  # the numbers of START and END in every vocabulary
    model.eval()
    with gd.no_grad():
        memory = model.encode(source)
        target = np.full((len(source), 1), start)
        while target.shape[1] < LONGEST and not (target == end).any(axis=1).all():
            scores = model.decode(target, memory, source).numpy()[:, -1]
            target = np.concatenate([target, scores.argmax(axis=1)[:, None]], axis=1)
    model.train()
    return target


def steps(model: Translator, source: np.ndarray, german: data.Vocabulary) -> None:
    """Print how one sentence comes about: at each step the token taken, and what else was thought of."""
    target = greedy(model, source)
    model.eval()
    with gd.no_grad():
        chances = gd.softmax(model(source, target[:, :-1]), axis=-1).numpy()[0]
    model.train()
    print("\nthe first one, token by token, with the model's chances and its second choice:\n")
    for token, row in zip(target[0, 1:], chances, strict=True):
        second = int(np.argsort(row)[-2])
        print(f"  {german.tokens[token]:<14} {100 * row[token]:6.2f} %   ", end="")
        print(f"{german.tokens[second]:<14} {100 * row[second]:6.2f} %")


def show(text: str, translation: list[str], wanted: list[str] | None = None) -> None:
    """A sentence, its translation, and the right one where that is another."""
    print(f"  {text}\n  {' '.join(translation)}")
    if wanted is not None:
        print(f"  WRONG; right is: {' '.join(wanted)}")
    print()


def arguments() -> argparse.Namespace:
    """What stands on the command line, checked."""
    some = number(int, "a whole number from 100 to 100000", lambda n: 100 <= n <= 100_000)
    even = number(int, "an even number of at least 2", lambda n: n >= 2 and n % 2 == 0)
    parser = options(
        "Train a Transformer to translate sentences made by rule, and let it.",
        seed="sentences, weights, their order, and dropout",
        quick="a small model and few sentences, to see that it works",
    )
    add = parser.add_argument
    add("--say", nargs="+", default=[], metavar="SENTENCE", help="to translate after training, in English")
    add("--sentences", type=some, metavar="N", help="pairs to train on (4000; with --quick 2000)")
    add("--epochs", type=COUNT, metavar="N", help="times through them (5; with --quick 8)")
    add("--layers", type=COUNT, metavar="N", help="of encoder and decoder each (2; with --quick 1)")
    add("--width", type=even, metavar="N", help="numbers for each token (64; with --quick 32)")
    add("--heads", type=COUNT, default=4, metavar="N", help="of attention; they divide the width (4)")
    add("--dropout", type=SHARE, default=0.0, metavar="P", help="share of each part's results dropped (0)")
    add("--batch-size", type=COUNT, default=64, metavar="N", help="pairs in a step (64)")
    add("--lr", type=RATE, default=0.003, metavar="X", help="highest learning rate (0.003)")
    args = parsed(parser, sentences=(4000, 2000), epochs=(5, 8), layers=(2, 1), width=(64, 32))
    if args.width % args.heads:
        parser.error(f"argument --heads: {args.heads} heads cannot share a width of {args.width} equally")
    if any(len(data.tokenize(text)) > LONGEST - 2 for text in args.say):
        parser.error(f"argument --say: a sentence may have {LONGEST - 2} words and signs")
    return args


if __name__ == "__main__":
    start(main)
