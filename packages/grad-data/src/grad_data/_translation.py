"""English sentences and their German translation, made by rule."""

from typing import Any, SupportsIndex

import numpy as np

from grad_data._seeds import as_int
from grad_data._text import Vocabulary, pad_sequences, tokenize

__all__ = ["Translation"]

# English; German gender, noun in the nominative and in the accusative
_PEOPLE = (
    ("man", "m", "Mann", "Mann"),
    ("woman", "f", "Frau", "Frau"),
    ("child", "n", "Kind", "Kind"),
    ("doctor", "m", "Arzt", "Arzt"),
    ("teacher", "f", "Lehrerin", "Lehrerin"),
    ("girl", "n", "M\u00e4dchen", "M\u00e4dchen"),
    ("boy", "m", "Junge", "Jungen"),
    ("neighbour", "f", "Nachbarin", "Nachbarin"),
)
_THINGS = (
    ("house", "n", "Haus", "Haus"),
    ("book", "n", "Buch", "Buch"),
    ("garden", "m", "Garten", "Garten"),
    ("letter", "m", "Brief", "Brief"),
    ("picture", "n", "Bild", "Bild"),
    ("lamp", "f", "Lampe", "Lampe"),
    ("bridge", "f", "Br\u00fccke", "Br\u00fccke"),
    ("table", "m", "Tisch", "Tisch"),
    ("car", "n", "Auto", "Auto"),
    ("flower", "f", "Blume", "Blume"),
    ("coat", "m", "Mantel", "Mantel"),
    ("map", "f", "Karte", "Karte"),
)
_ADJECTIVES = (
    ("", ""),
    ("small", "klein"),
    ("old", "alt"),
    ("young", "jung"),
    ("tall", "gro\u00df"),
    ("friendly", "freundlich"),
    ("quiet", "still"),
    ("famous", "ber\u00fchmt"),
)
_QUALITIES = (
    ("", ""),
    ("small", "klein"),
    ("old", "alt"),
    ("new", "neu"),
    ("beautiful", "sch\u00f6n"),
    ("big", "gro\u00df"),
    ("red", "rot"),
    ("green", "gr\u00fcn"),
)
# English, its third person; German third person, infinitive
_VERBS = (
    ("see", "sees", "sieht", "sehen"),
    ("buy", "buys", "kauft", "kaufen"),
    ("look for", "looks for", "sucht", "suchen"),
    ("find", "finds", "findet", "finden"),
    ("show", "shows", "zeigt", "zeigen"),
    ("need", "needs", "braucht", "brauchen"),
    ("know", "knows", "kennt", "kennen"),
    ("paint", "paints", "malt", "malen"),
)
_MODALS = (("", ""), ("can", "kann"), ("wants to", "will"), ("must", "muss"))
_TIMES = (("", ""), ("today", "heute"), ("tomorrow", "morgen"), ("in the evening", "am Abend"))
_ENGLISH_ARTICLES = ("the", "a")
# article (definite or not), case, gender: the German article, and the ending of an adjective after it
_FORMS = {
    ("the", "nominative"): {"m": ("der", "e"), "f": ("die", "e"), "n": ("das", "e")},
    ("the", "accusative"): {"m": ("den", "en"), "f": ("die", "e"), "n": ("das", "e")},
    ("a", "nominative"): {"m": ("ein", "er"), "f": ("eine", "e"), "n": ("ein", "es")},
    ("a", "accusative"): {"m": ("einen", "en"), "f": ("eine", "e"), "n": ("ein", "es")},
}
_CHOICES: tuple[tuple[Any, ...], ...] = (
    _ENGLISH_ARTICLES,
    _ADJECTIVES,
    _PEOPLE,
    _MODALS,
    _VERBS,
    _ENGLISH_ARTICLES,
    _QUALITIES,
    _THINGS,
    _TIMES,
)
_COUNT = int(np.prod([len(choices) for choices in _CHOICES]))
_LOW = np.uint64(2**32 - 1)
_TENTH = 10  # one sentence in so many is for testing
_BLOCK = 4096  # numbers drawn at a time; part of what a seed means, so it never changes


class Translation:
    """Pairs of an English sentence and its German translation, made by rule: a corpus for sequence models, no file.

    There are 3,145,728 sentences: someone (with or without an adjective) does something (perhaps can, wants to, must),
    to some thing, perhaps at some time. German needs more than a word for each word: articles and endings follow
    gender and case, the infinitive stands at the end, and the time stands before the object.

    Each sentence belongs either to the training part or, one in ten of them by a fixed rule, to the test part,
    whatever the seed: so the two never overlap. No pair comes twice. The first 100 of 1,000 are those of 100. The same
    seed gives the same sentences everywhere.

    Args:
        n: how many pairs, 1 to 100,000.
        seed: 0 or more.
        train: of the training part, otherwise of the test part.

    Attributes:
        pairs: a list of (English, German).
        seed, train: as given.

    Raises:
        TypeError: `n` or `seed` is no integer.
        ValueError: `n` or `seed` outside its range.

    Example:
        >>> import grad_data as data
        >>> corpus = data.Translation(1000, seed=0)
        >>> english, german = corpus[0]
        >>> len(corpus), english.endswith("."), german.endswith(".")
        (1000, True, True)
        >>> source, target, english_words, german_words = corpus.as_arrays()
        >>> source.dtype, len(source) == len(target) == 1000
        (dtype('int64'), True)
    """

    def __init__(self, n: SupportsIndex, seed: SupportsIndex = 0, *, train: bool = True) -> None:
        """Make them all."""
        count = as_int("n", n, 1)
        if count > 100_000:
            raise ValueError(f"n is {count}, expected at most 100000")
        self.seed = as_int("seed", seed, 0)
        self.train = train
        self.pairs: list[tuple[str, str]] = [_pair(number) for number in _numbers(count, self.seed, train)]

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[str, str]:
        """A pair of an English and a German sentence."""
        return self.pairs[index]

    def as_arrays(
        self, english: Vocabulary | None = None, german: Vocabulary | None = None
    ) -> tuple[Any, Any, Vocabulary, Vocabulary]:
        """All pairs as numbers: START, the tokens, END, and PAD up to the longest.

        Args:
            english: the vocabulary to use; None to make one of these pairs. Use that of the training part for testing.
            german: the same.

        Returns:
            English (n, L) and German (n, M), int64, and the two vocabularies.
        """
        texts = [[tokenize(sentence) for sentence in side] for side in zip(*self.pairs, strict=True)]
        words = [given or Vocabulary(side) for given, side in zip((english, german), texts, strict=True)]
        rows = [
            pad_sequences([vocabulary.encode(tokens, start=True, end=True) for tokens in side])
            for vocabulary, side in zip(words, texts, strict=True)
        ]
        return rows[0], rows[1], words[0], words[1]

    def __repr__(self) -> str:
        """How many, and of which part."""
        return f"Translation({len(self)}, seed={self.seed}, train={self.train})"


def _numbers(count: int, seed: int, train: bool) -> list[int]:
    """Different numbers of sentences of one part, in a random order."""
    raw = np.random.PCG64(np.random.SeedSequence((seed, int(train))))
    found: dict[int, None] = {}
    while len(found) < count:
        drawn = (raw.random_raw(_BLOCK) >> np.uint64(20)) % np.uint64(_COUNT)
        # A hash (the end of MurmurHash3) decides for which part a sentence is, so that both have every word.
        mixed = (drawn + np.uint64(1)) * np.uint64(0x85EBCA6B) & _LOW
        mixed = (mixed ^ mixed >> np.uint64(13)) * np.uint64(0xC2B2AE35) & _LOW
        testing = (mixed ^ mixed >> np.uint64(16)) % np.uint64(_TENTH) == 0
        found.update(dict.fromkeys(drawn[testing != train].tolist()))
    return list(found)[:count]


def _pair(number: int) -> tuple[str, str]:
    """The sentence of a number, in both languages; different numbers give different English sentences."""
    chosen: list[Any] = []
    for choices in _CHOICES:
        number, place = divmod(number, len(choices))
        chosen.append(choices[place])
    article, adjective, person, modal, verb, other, quality, thing, time = chosen
    subject = _english(article, adjective[0], person[0])
    action = f"{modal[0]} {verb[0]}" if modal[0] else verb[1]
    english = [subject, action, _english(other, quality[0], thing[0]), time[0]]
    german = [
        _german(article, "nominative", adjective[1], person),
        modal[1] or verb[2],
        time[1],
        _german(other, "accusative", quality[1], thing),
        verb[3] if modal[1] else "",
    ]
    return _sentence(english), _sentence(german)


def _english(article: str, adjective: str, noun: str) -> str:
    first = adjective or noun
    return " ".join(filter(None, ("an" if article == "a" and first[0] in "aeiou" else article, adjective, noun)))


def _german(article: str, case: str, adjective: str, noun: tuple[str, str, str, str]) -> str:
    word, ending = _FORMS[article, case][noun[1]]
    return " ".join(filter(None, (word, adjective and adjective + ending, noun[2 if case == "nominative" else 3])))


def _sentence(parts: list[str]) -> str:
    text = " ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}."
