"""Optimizers by name, each torch's own with its usual learning rate; weight decay only where it belongs.

sgd, momentum: Polyak 1964; nesterov: Sutskever et al. 2013; adagrad: Duchi et al. 2011; rmsprop: Tieleman and Hinton 2012;
adadelta: Zeiler 2012; adam: Kingma and Ba 2015; adamw: Loshchilov and Hutter 2019; nadam: Dozat 2016.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Kind:
    """What a name stands for."""

    make: type[torch.optim.Optimizer]
    lr: float
    more: dict[str, Any] = field(default_factory=dict)
    fused: bool = False  # whether torch has it as one kernel: AdamW of two million weights takes 2 ms instead of 15
    decay: float = 0.0  # weight decay, unless another is asked for


OPTIMIZERS = {
    "sgd": Kind(torch.optim.SGD, 0.1, fused=True),
    "momentum": Kind(torch.optim.SGD, 0.05, {"momentum": 0.9}, fused=True),
    "nesterov": Kind(torch.optim.SGD, 0.05, {"momentum": 0.9, "nesterov": True}, fused=True),
    "adagrad": Kind(torch.optim.Adagrad, 1e-2, fused=True),
    "rmsprop": Kind(torch.optim.RMSprop, 1e-3),
    "adadelta": Kind(torch.optim.Adadelta, 1.0),
    "adam": Kind(torch.optim.Adam, 1e-3, fused=True),
    "adamw": Kind(torch.optim.AdamW, 2e-3, fused=True, decay=0.01),
    "nadam": Kind(torch.optim.NAdam, 2e-3),
}


def make(name: str, model: nn.Module, lr: float, decay: float) -> torch.optim.Optimizer:
    """The optimizer of all parameters of a model that are to be trained."""
    kind = OPTIMIZERS[name]
    on_mps = next(model.parameters()).device.type == "mps"  # where not all of them are
    how: dict[str, Any] = {"fused": True} if kind.fused and not on_mps else {"foreach": True}
    return kind.make(groups(model, decay), lr=lr, **kind.more, **how)  # type: ignore[call-arg]


def groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay is for matrices, not for biases, norms and embeddings."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag)}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trained if parameter.dim() > 1 and id(parameter) not in embeddings]
    rest = [parameter for parameter in trained if parameter.dim() <= 1 or id(parameter) in embeddings]
    return [{"params": decayed, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
