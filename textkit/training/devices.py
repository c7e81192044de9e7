"""Where and how exactly to compute: the device and the number format."""

from __future__ import annotations

from typing import Any, Literal

import torch

from textkit.errors import UsageError

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(asked: Device) -> torch.device:
    """auto: the GPU if there is one. UsageError if a device is asked for that is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return torch.device(next(name for name, found in there.items() if found))
    if not there[asked]:
        found = " and ".join(name for name, is_there in there.items() if is_there)
        raise UsageError(f"--device {asked}: this machine, or this build of torch, has none", fix=f"there is {found}")
    return torch.device(asked)


def choose_precision(asked: Precision, device: torch.device) -> torch.dtype:
    """auto: bf16 where the hardware multiplies it (two to four times as fast), else fp32. UsageError where it cannot be had."""
    if asked == "fp16" and device.type != "cuda":
        raise UsageError(f"--precision fp16 needs a CUDA GPU, and this trains on {device.type}", fix="--precision bf16 or fp32")
    if asked == "auto":
        asked = "bf16" if _has_bf16(device) else "fp32"
    return TYPES[asked]


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))  # type: ignore[no-untyped-call]
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def name_of(dtype: torch.dtype) -> str:
    return next(name for name, known in TYPES.items() if known is dtype)


def moved(batch: Any, device: torch.device) -> Any:
    """A batch on a device: a tensor, something with `to`, None, or a tuple of them."""
    if device.type == "cpu" or batch is None:
        return batch
    return tuple(moved(part, device) for part in batch) if isinstance(batch, tuple) else batch.to(device)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of the random number generators that training draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states | {"cuda": torch.cuda.get_rng_state()} if device.type == "cuda" else states


def set_random_state(states: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])
