"""What a token's characters tell: a vector of its spelling, so that unknown words, endings and misspellings count.

    cnn      filters over the letters, the strongest of each (dos Santos and Zadrozny 2014; Ma and Hovy 2016)
    lstm     where reading the letters ends, from both ends (Lample et al. 2016)
    ngrams   the mean of the vectors of its n-grams, hashed (Bojanowski et al. 2017)

Shapes: U distinct spellings, L letters or n-grams of the longest, K kinds of these, A width of a letter, W width of a spelling's vector.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textkit.nn.convolution import Convolution
from textkit.nn.readout import last_states
from textkit.nn.recurrent import Recurrent

WINDOWS = (3, 5)  # letters that a filter sees


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
    def __init__(self, kinds: int, width: int) -> None:
        super().__init__()
        self.letters = nn.EmbeddingBag(kinds, width, mode="mean", padding_idx=0)
        self.width = width

    def forward(self, spellings: Tensor) -> Tensor:
        """(U, L) -> (U, W)."""
        return torch.as_tensor(self.letters(spellings))
