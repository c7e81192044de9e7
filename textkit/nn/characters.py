"""What a token's characters tell: a vector of its spelling, so that unknown words, endings and misspellings count.

    cnn      filters over the letters, the strongest of each (dos Santos and Zadrozny 2014; Ma and Hovy 2016)
    lstm     where reading the letters ends, from both ends (Lample et al. 2016)
    ngrams   the mean of the vectors of its n-grams, hashed (Bojanowski et al. 2017)

Shapes: U distinct spellings, L letters of the longest, K kinds of letters, A width of a letter, W width of a spelling's vector.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from textkit.nn.convolution import Convolution
from textkit.nn.readout import last_states
from textkit.nn.recurrent import Recurrent
from textkit.nn.settings import Reading

WINDOWS = (3, 5)  # letters that a filter sees
LONGEST = 6  # letters of an n-gram, the marks of begin and end among them
PRIME = 0x100000001B3  # of the hash FNV-1a for 64 bits


def lengths_of(spellings: Tensor) -> Tensor:
    """(U, L) -> (U,) letters in each; 1 of the row for padding, which has none."""
    return (spellings > 0).sum(1).clamp(min=1)


class CharacterCNN(nn.Module):
    def __init__(self, kinds: int, dim: int, width: int, dropout: float) -> None:
        """width: W, made even."""
        super().__init__()
        self.letters = nn.Embedding(kinds, dim, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.convolution = Convolution(dim, -(-width // len(WINDOWS)), WINDOWS)
        self.width = self.convolution.width

    def forward(self, spellings: Tensor) -> Tensor:
        """(U, L) -> (U, W)."""
        return self.convolution.strongest(self.dropout(self.letters(spellings)), lengths_of(spellings))


class CharacterLSTM(nn.Module):
    def __init__(self, kinds: int, dim: int, width: int, dropout: float) -> None:
        """width: W, made even."""
        super().__init__()
        self.letters = nn.Embedding(kinds, dim, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.hidden = -(-width // 2)
        self.recurrent = Recurrent(nn.LSTM, dim, self.hidden, layers=1, bidirectional=True, dropout=0.0)
        self.width = self.recurrent.width

    def forward(self, spellings: Tensor) -> Tensor:
        """(U, L) -> (U, W)."""
        lengths = lengths_of(spellings)
        return last_states(self.recurrent(self.dropout(self.letters(spellings)), lengths), lengths, self.hidden)


class CharacterNgrams(nn.Module):
    def __init__(self, width: int, buckets: int, std: float) -> None:
        """width: W. std: spread of the first values."""
        super().__init__()
        self.grams = nn.EmbeddingBag(1 + buckets, width, mode="mean", padding_idx=0)
        with torch.no_grad():
            self.grams.weight.mul_(std)  # torch's own is 1
        self.buckets, self.width = buckets, width

    def forward(self, spellings: Tensor) -> Tensor:
        """(U, L) -> (U, W)."""
        return torch.as_tensor(self.grams(hashed(spellings, self.buckets)))


def hashed(spellings: Tensor, buckets: int) -> Tensor:
    """(U, L) -> the rows of all n-grams of each spelling, from 1 to `buckets`; 0 where one would reach behind its end."""
    found = []
    for n in range(1, min(LONGEST, spellings.shape[1]) + 1):
        windows = spellings.unfold(1, n, 1)  # (U, L - n + 1, n)
        number = torch.full_like(windows[:, :, 0], n)
        for letter in windows.unbind(2):  # products of int64 wrap, which mixes their bits
            number = (number ^ letter) * PRIME
        found.append(((number >> 24) % buckets + 1).masked_fill(windows[:, :, -1] == 0, 0))
    return torch.cat(found, dim=1)


class Characters(nn.ModuleDict):
    """What the setting `chars` names, side by side: `lstm+ngrams` is two networks. `width`: of what all add."""

    def __init__(self, config: Reading, kinds: int) -> None:
        """kinds: K."""
        of_letters = (kinds, config.char_dim, config.char_hidden, config.dropout)
        make: dict[str, Callable[[], nn.Module]] = {
            "cnn": lambda: CharacterCNN(*of_letters),
            "lstm": lambda: CharacterLSTM(*of_letters),
            "ngrams": lambda: CharacterNgrams(config.char_hidden, config.char_buckets, config.embedding_std),
        }
        super().__init__({name: make[name]() for name in config.chars.split("+")})
        self.width = sum(network.width for network in self.values())  # type: ignore[misc]

    def forward(self, spellings: Tensor) -> Tensor:
        """(U, L) -> (U, W)."""
        return torch.cat([network(spellings) for network in self.values()], dim=1)
