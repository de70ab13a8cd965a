"""Text as numbers: tokens, a vocabulary, sequences of equal length, masks."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from grad_data._seeds import as_int

__all__ = ["Vocabulary", "look_ahead_mask", "pad_sequences", "padding_mask", "tokenize"]

# a word, with apostrophes and hyphens inside; or one sign that is neither letter nor space
_TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")


def tokenize(text: str, *, lower: bool = True) -> list[str]:
    """Cut a text into words and signs.

    A word is letters, digits and underscores of any script, with apostrophes and hyphens inside. Each other sign that
    is no space is a token of its own.

    Args:
        text: any.
        lower: whether capitals become small letters.

    Example:
        >>> import grad_data as data
        >>> data.tokenize("Don't panic: it's a well-known trick!")
        ["don't", 'panic', ':', "it's", 'a', 'well-known', 'trick', '!']
    """
    return _TOKEN.findall(text.lower() if lower else text)


class Vocabulary:
    """Tokens and their numbers. The first four are the special ones: PAD 0, START 1, END 2, UNK 3.

    Args:
        texts: sequences of tokens, as `tokenize` gives them. More frequent tokens get smaller numbers; of equally
            frequent ones the alphabetically first.
        min_count: tokens that come less often are unknown.
        max_size: the most tokens, the special ones among them; None for no limit.

    Attributes:
        tokens: all of them, a tuple; the number of a token is its place.
        PAD, START, END, UNK: the special tokens, "<pad>", "<start>", "<end>" and "<unk>".

    Raises:
        TypeError: a text instead of a sequence of tokens.
        ValueError: a `max_size` below 4.

    Example:
        >>> import grad_data as data
        >>> words = data.Vocabulary([["a", "b", "a"], ["c", "a", "b"]])
        >>> words.tokens
        ('<pad>', '<start>', '<end>', '<unk>', 'a', 'b', 'c')
        >>> words.encode(["b", "x"], start=True, end=True)
        [1, 5, 3, 2]
        >>> words.decode([1, 5, 3, 2, 0, 0])
        ['b', '<unk>']
    """

    PAD: ClassVar[str] = "<pad>"
    START: ClassVar[str] = "<start>"
    END: ClassVar[str] = "<end>"
    UNK: ClassVar[str] = "<unk>"

    def __init__(self, texts: Iterable[Sequence[str]] = (), *, min_count: int = 1, max_size: int | None = None) -> None:
        """Count the tokens."""
        fewest = as_int("min_count", min_count, 1)
        most = None if max_size is None else as_int("max_size", max_size, 4) - 4
        specials = (self.PAD, self.START, self.END, self.UNK)
        counts: Counter[str] = Counter()
        for text in texts:
            if isinstance(text, str):
                raise TypeError(f"texts are sequences of tokens, not strings like {text[:20]!r}; tokenize them first")
            counts.update(text)
        for special in specials:
            counts.pop(special, None)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        known = [token for token, count in ranked if count >= fewest][:most]
        self.tokens: tuple[str, ...] = (*specials, *known)
        self._numbers = {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        """How many tokens, the special ones among them."""
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        """Whether a token is known."""
        return token in self._numbers

    def __getitem__(self, token: str) -> int:
        """The number of a token, or that of UNK."""
        return self._numbers.get(token, self._numbers[self.UNK])

    def encode(self, tokens: Sequence[str], *, start: bool = False, end: bool = False) -> list[int]:
        """The numbers of tokens, that of UNK for unknown ones.

        Args:
            tokens: as `tokenize` gives them.
            start: whether START comes before them.
            end: whether END comes after them.

        Raises:
            TypeError: a text instead of tokens.
        """
        if isinstance(tokens, str):
            raise TypeError(f"encode takes a sequence of tokens, not the string {tokens[:20]!r}; tokenize it first")
        numbers = [self[token] for token in tokens]
        return [self[self.START]] * start + numbers + [self[self.END]] * end

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The tokens of numbers, up to the first END; START and PAD are left out.

        Raises:
            IndexError: a number that no token has.
        """
        found = []
        for number in numbers:
            if not 0 <= number < len(self):
                raise IndexError(f"{number} is no token's number; they are 0 to {len(self) - 1}")
            token = self.tokens[number]
            if token == self.END:
                break
            if token not in (self.START, self.PAD):
                found.append(token)
        return found

    def __repr__(self) -> str:
        """How many tokens."""
        return f"Vocabulary({len(self)} tokens)"


def pad_sequences(
    sequences: Sequence[ArrayLike], length: int | None = None, *, value: float = 0, dtype: DTypeLike = np.int64
) -> NDArray[np.generic]:
    """Sequences of numbers as the rows of one array (N, length), filled up at the end.

    Args:
        sequences: each (n_i,), or (n_i, ...) with the same rest.
        length: of the rows; longer sequences are cut off at the end. None for the longest.
        value: what is filled in: the number of PAD.
        dtype: of the result.

    Raises:
        ValueError: no sequence, or different rests of shapes.

    Example:
        >>> import grad_data as data
        >>> data.pad_sequences([[5, 6, 7], [8]])
        array([[5, 6, 7],
               [8, 0, 0]])
    """
    arrays = [np.asarray(sequence, dtype) for sequence in sequences]
    if not arrays:
        raise ValueError("there is no sequence to pad")
    # an empty list has no rest of a shape, so it fits every other
    rests = {array.shape[1:] for array in arrays if array.size} or {arrays[0].shape[1:]}
    if len(rests) > 1 or any(array.ndim == 0 for array in arrays):
        raise ValueError(
            f"sequences have to be alike but for their lengths; their shapes are {[a.shape for a in arrays]}"
        )
    width = max(len(array) for array in arrays) if length is None else as_int("length", length, 1)
    padded = np.full((len(arrays), width, *rests.pop()), value, dtype)
    for row, array in zip(padded, arrays, strict=True):
        if array.size:
            row[: len(array)] = array[:width]
    return padded


def padding_mask(numbers: ArrayLike, pad: int = 0) -> NDArray[np.bool_]:
    """True where a number is PAD: the `key_padding_mask` of attention, which leaves these keys out.

    Example:
        >>> import grad_data as data
        >>> data.padding_mask([[5, 6, 0], [7, 0, 0]])
        array([[False, False,  True],
               [False,  True,  True]])
    """
    return np.asarray(np.asarray(numbers) == pad)


def look_ahead_mask(length: int) -> NDArray[np.bool_]:
    """(length, length), True above the diagonal: the `attn_mask` by which no position sees those after it.

    Example:
        >>> import grad_data as data
        >>> data.look_ahead_mask(3)
        array([[False,  True,  True],
               [False, False,  True],
               [False, False, False]])
    """
    size = as_int("length", length, 1)
    return np.triu(np.ones((size, size), np.bool_), 1)
