"""Device and precision: as asked for, by the hardware where nothing is, and a clear word where it is not there."""

from __future__ import annotations

import pytest
import torch

from textkit.errors import UsageError
from textkit.training.devices import choose_device, choose_precision, moved

CPU = torch.device("cpu")


def test_precision_as_asked_and_auto_by_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("fp32", CPU) is torch.float32
    assert choose_precision("bf16", CPU) is torch.bfloat16
    for able, due in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda able=able: able)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert choose_precision("auto", CPU) is due


def test_fp16_is_for_gpus() -> None:
    assert choose_precision("fp16", torch.device("cuda")) is torch.float16
    with pytest.raises(UsageError, match=r"--precision fp16 needs a CUDA GPU.*bf16"):
        choose_precision("fp16", CPU)


@pytest.mark.parametrize("there", [(), ("cuda",), ("mps",), ("cuda", "mps")])
def test_auto_takes_a_gpu_where_there_is_one(there: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    assert choose_device("auto").type == (*there, "cpu")[0]
    assert choose_device("cpu").type == "cpu"
    for name in {"cuda", "mps"} - {*there}:
        with pytest.raises(UsageError, match=f"--device {name}.*there is"):
            choose_device(name)  # type: ignore[arg-type]


def test_a_batch_is_moved_whole() -> None:
    """On the device `meta`, which every machine has."""
    pair = (torch.zeros(2), (torch.ones(3), torch.ones(1)), None)
    first, (second, third), _ = moved(pair, torch.device("meta"))
    assert {first.device.type, second.device.type, third.device.type} == {"meta"}
    assert moved(pair, CPU) is pair
