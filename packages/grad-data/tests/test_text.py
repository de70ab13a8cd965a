import hashlib
import re

import numpy as np
import pytest
from grad_data import (
    Translation,
    Vocabulary,
    look_ahead_mask,
    pad_sequences,
    padding_mask,
    tokenize,
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("  \n ", []),
        ("Hello, World!", ["hello", ",", "world", "!"]),
        ("it's o'clock\u2019s", ["it's", "o'clock\u2019s"]),
        ("'quoted' -dash-", ["'", "quoted", "'", "-", "dash", "-"]),
        ("\u00c4rger in 3.5 Stra\u00dfen", ["\u00e4rger", "in", "3", ".", "5", "stra\u00dfen"]),
        ("\u4f60\u597d\u3002", ["\u4f60\u597d", "\u3002"]),
    ],
)
def test_tokenize(text, tokens):
    assert tokenize(text) == tokens


def test_capitals_can_be_kept():
    assert tokenize("Ab C", lower=False) == ["Ab", "C"]


PAD, START, END, UNK = Vocabulary.PAD, Vocabulary.START, Vocabulary.END, Vocabulary.UNK
TEXTS = [["b", "a", "c"], ["b", "d", "a"], ["b", PAD]]


@pytest.mark.parametrize(
    ("options", "tokens"),
    [({}, "bacd"), ({"min_count": 2}, "ba"), ({"max_size": 5}, "b"), ({"max_size": 4}, ""), ({"min_count": 9}, "")],
)
def test_which_tokens_a_vocabulary_has(options, tokens):
    words = Vocabulary(TEXTS, **options)
    assert words.tokens == (PAD, START, END, UNK, *tokens)
    assert len(words) == 4 + len(tokens)
    assert repr(words) == f"Vocabulary({4 + len(tokens)} tokens)"


def test_encode_and_decode():
    words = Vocabulary(TEXTS)
    assert [words[token] for token in (PAD, START, END, UNK, "b", "x")] == [0, 1, 2, 3, 4, 3]
    assert ("b" in words, "x" in words) == (True, False)
    assert words.encode(["a", "x"]) == [5, 3]
    assert words.encode(["a"], start=True, end=True) == [1, 5, 2]
    assert words.decode(words.encode(list("abcd"), start=True, end=True)) == list("abcd")
    assert words.decode(np.array([1, 0, 4, 2, 5])) == ["b"]


def test_padding_and_masks():
    padded = pad_sequences([[1, 2, 3], [], [4]])
    assert padded.tolist() == [[1, 2, 3], [0, 0, 0], [4, 0, 0]]
    assert padded.dtype == np.int64
    assert pad_sequences([[1, 2, 3], [4]], 2, value=9, dtype=np.int8).tolist() == [[1, 2], [4, 9]]
    assert pad_sequences([np.ones((2, 3)), np.ones((1, 3))], 4, dtype=np.float32).sum(axis=(1, 2)).tolist() == [6, 3]
    assert padding_mask(padded).tolist() == [[False] * 3, [True] * 3, [False, True, True]]
    assert padding_mask(padded, 3).sum() == 1
    assert look_ahead_mask(4).tolist() == [[j > i for j in range(4)] for i in range(4)]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Vocabulary("text"), TypeError, "not strings like 't'; tokenize them first"),
        (lambda: Vocabulary(max_size=3), ValueError, "max_size is 3, expected at least 4"),
        (lambda: Vocabulary(min_count=0), ValueError, "min_count is 0"),
        (lambda: Vocabulary().encode("text"), TypeError, "not the string 'text'; tokenize it first"),
        (lambda: Vocabulary().decode([4]), IndexError, "4 is no token's number; they are 0 to 3"),
        (lambda: Vocabulary().decode([-1]), IndexError, "-1 is no token's number"),
        (lambda: pad_sequences([]), ValueError, "there is no sequence to pad"),
        (lambda: pad_sequences([1]), ValueError, r"alike but for their lengths; their shapes are \[\(\)\]"),
        (lambda: pad_sequences([np.ones((1, 2)), np.ones((1, 3))]), ValueError, "alike but for their lengths"),
        (lambda: pad_sequences([[1]], 0), ValueError, "length is 0"),
        (lambda: look_ahead_mask(0), ValueError, "length is 0"),
        (lambda: Translation(0), ValueError, "n is 0"),
        (lambda: Translation(100_001), ValueError, "n is 100001, expected at most 100000"),
        (lambda: Translation(1, -1), ValueError, "seed is -1"),
        (lambda: Translation(1.5), TypeError, r"n is 1\.5"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --- the corpus ---


@pytest.fixture(scope="module")
def train():
    return Translation(20_000)


@pytest.fixture(scope="module")
def test():
    return Translation(5_000, seed=3, train=False)


def test_the_same_sentences_everywhere(train):
    text = "\n".join(f"{english}\t{german}" for english, german in train.pairs[:1000])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "dc75dc9b5d451561"


def test_fewer_are_the_first_of_more(train):
    assert Translation(100).pairs == train.pairs[:100]
    assert Translation(100, seed=1).pairs != train.pairs[:100]
    assert (len(train), train[5], repr(train)) == (20_000, train.pairs[5], "Translation(20000, seed=0, train=True)")


def test_training_and_testing_do_not_overlap_and_nothing_comes_twice(train, test):
    for side in (0, 1):
        seen, held_out = {pair[side] for pair in train.pairs}, {pair[side] for pair in test.pairs}
        assert not seen & held_out
        assert (len(seen), len(held_out)) == (20_000, 5_000)


def test_both_parts_have_the_same_words(train, test):
    for side in (0, 1):
        words = [{word for pair in part.pairs for word in tokenize(pair[side])} for part in (train, test)]
        assert words[0] == words[1]
    assert 60 < len(words[0]) < 140


GENDER = {"Mann": "m", "Frau": "f", "Kind": "n", "Haus": "n", "Lampe": "f", "Garten": "m", "Auto": "n", "Karte": "f"}
ALL = {"der", "die", "das", "den", "ein", "eine", "einen"}
ARTICLES = {"m": ("der", "ein", "den", "einen"), "f": ("die", "eine", "die", "eine"), "n": ("das", "ein", "das", "ein")}


def test_the_german_is_german(train):
    for english, german in train.pairs[:5000]:
        assert re.fullmatch(r"[A-Z][a-z -]+\.", english)
        assert re.fullmatch(r"(Der|Die|Das|Ein|Eine) [\w ]+\.", german)
        for noun, gender in GENDER.items():
            words = german.lower().rstrip(".").split()
            if noun.lower() in words:
                place = words.index(noun.lower())
                article = words[place - 1] if words[place - 1] in ALL else words[place - 2]
                assert article in (ARTICLES[gender][:2] if place < 3 else ARTICLES[gender][2:]), german
        assert ("kann" in german) == (" can " in english)
        if " can " in english or " must " in english or " wants to " in english:
            assert german.endswith("en.")
        assert ("heute" in german) == english.endswith("today.")
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", english.lower())


def test_as_arrays(train, test):
    source, target, english, german = Translation(500).as_arrays()
    assert source.shape[0] == target.shape[0] == 500
    assert (source[:, 0] == english[START]).all()
    assert ((target == german[END]).sum(axis=1) == 1).all()
    assert english.decode(source[7]) == tokenize(train[7][0])
    assert german.decode(target[7]) == tokenize(train[7][1])
    other = test.as_arrays(english, german)
    assert other[2] is english
    assert (other[0] == english[UNK]).mean() < 0.01
