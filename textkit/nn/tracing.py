"""What a network did on the way to a record's vector, so that it can be shown: which steps the vector is made of, gates, attention.

Shapes: B records, S steps (tokens, windows of tokens, or pooled steps), T tokens, W width of the vector, L layers, N heads, H hidden width,
R directions: forward, and where there is one backward.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from textkit.nn.masks import mask_of
from textkit.nn.readout import Readout
from textkit.nn.recurrent import Recurrent, reverse

GATES = {nn.RNN: (), nn.LSTM: ("input", "forget", "output"), nn.GRU: ("reset", "update")}


@dataclass
class Trace:
    """Padding has 0 everywhere."""

    parts: Tensor  # (B, S, W) what each step puts into the vector: their sum is the vector
    readout: Tensor  # (B, S) the share of the vector that is made of each step, 1 together
    gates: dict[str, Tensor] = field(default_factory=dict)  # (B, L, R, S) each: how far it is open, from 0 to 1, the mean over units
    attention: Tensor | None = None  # (B, L, N, T, T) how much each token (fourth) looks at each (fifth)
    spans: list[tuple[int, int]] | None = None  # S of them: the first token of a step, and that behind its last; None: steps are tokens


def trace(mixing: Tensor, states: Tensor) -> Trace:
    """(B, S, W) how much of each state goes into the vector, (B, S, W) -> what the vector is made of."""
    return Trace(mixing * states, mixing.mean(2))


def mixing_of(readout: Readout, states: Tensor, lengths: Tensor) -> Tensor:
    """(B, S, W), (B,) -> (B, S, W): how much of each state the readout takes; over a record's steps 1 together."""
    if readout.attention is not None:
        return readout.attention(states, lengths)[:, :, None].expand_as(states)  # type: ignore[no-any-return]
    if readout.how == "mean":
        return averaging(states, lengths)
    if readout.how == "max":
        return picking(states, lengths)
    found = torch.zeros_like(states)
    found[torch.arange(len(states)), lengths - 1, : readout.hidden] = 1
    found[:, 0, readout.hidden :] = 1
    return found


def averaging(states: Tensor, lengths: Tensor) -> Tensor:
    """(B, S, W), (B,) -> (B, S, W): each of a record's own steps as much."""
    return (mask_of(lengths, states.shape[1]) / lengths[:, None])[:, :, None].expand_as(states)


def picking(states: Tensor, lengths: Tensor) -> Tensor:
    """(B, S, W), (B,) -> (B, S, W): 1 at a record's greatest value of each column, the first of equals."""
    inside = mask_of(lengths, states.shape[1])[:, :, None]  # (B, S, 1)
    best = states.masked_fill(~inside, float("-inf")).argmax(1, keepdim=True)  # (B, 1, W)
    return torch.zeros_like(states).scatter(1, best, 1.0)


def gates_of(recurrent: Recurrent, x: Tensor, lengths: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """(B, S, D), (B,) -> the states that the equations give, (B, S, H or 2H), and each gate (B, L, R, S). Without dropout."""
    layers: list[dict[str, Tensor]] = []
    inside = mask_of(lengths, x.shape[1])  # (B, S)
    for layer, forwards in enumerate(recurrent.forwards):
        runs = [unrolled(forwards, x)]
        if recurrent.backwards:
            states, back = unrolled(recurrent.backwards[layer], reverse(x, lengths))
            runs.append((reverse(states, lengths), {name: reverse(gate, lengths) for name, gate in back.items()}))
        x = torch.cat([states for states, _ in runs], dim=2)
        layers.append({name: torch.stack([gates[name].mean(2) * inside for _, gates in runs], dim=1) for name in runs[0][1]})  # (B, R, S)
    return x, {name: torch.stack([gates[name] for gates in layers], dim=1) for name in layers[0]}


def unrolled(cell: nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """(B, S, D) -> states and gates of one layer in one direction, (B, S, H) each, by the equations of its architecture's docstring."""
    names = GATES[type(cell)]  # type: ignore[index]
    if not names:
        return cell(x)[0], {}
    w, u, b, b_hidden = (getattr(cell, f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h = c = x.new_zeros(len(x), u.shape[1])
    found: list[tuple[Tensor, ...]] = []
    for step in range(x.shape[1]):
        seen, kept = x[:, step] @ w.T + b, h @ u.T + b_hidden  # (B, 4H), of a GRU (B, 3H)
        if isinstance(cell, nn.LSTM):
            i, f, g, o = (seen + kept).chunk(4, dim=1)
            i, f, o = i.sigmoid(), f.sigmoid(), o.sigmoid()
            c = f * c + i * g.tanh()
            h = o * c.tanh()
            found.append((h, i, f, o))
        else:
            (r, z, n), (r_kept, z_kept, n_kept) = seen.chunk(3, dim=1), kept.chunk(3, dim=1)
            r, z = (r + r_kept).sigmoid(), (z + z_kept).sigmoid()
            h = (1 - z) * (n + r * n_kept).tanh() + z * h
            found.append((h, r, z))
    states, *gates = (torch.stack(steps, dim=1) for steps in zip(*found, strict=True))
    return states, dict(zip(names, gates, strict=True))
