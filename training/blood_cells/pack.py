"""Turn a training run into the file that the gallery ships.

    python training/blood_cells/pack.py DATA models/blood_cells.split.json RUN models/blood_cells.safetensors

Chooses the epoch with the lowest loss on the validation part, rounds its weights to half precision, and only then
fits what depends on them: the temperature and the limit of the distance (both on validation, with the mean over eight
views that the gallery takes), and the directions in which the features of cells vary (on the training part, one view).
The test part is never opened.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import photos
import torch
from safetensors.torch import save_file
from torch.nn import functional

from gallery.zoo import cells_network
from gallery.zoo.classifier import STATISTICS, views

DIRECTIONS = 64
FLAGGED = 0.01  # share of validation pictures, plain and varied together, that may lie above the limit


@torch.inference_mode()
def run(network: torch.nn.Module, pixels: np.ndarray, turned: bool = False) -> tuple[torch.Tensor, np.ndarray]:
    """Logits, ``N x classes``, and features, ``N x 1280``, of crops, ``N x 128 x 128 x 3``.

    Args:
        turned: take the mean over all ways to turn and mirror a crop.
    """
    logits, features = [], []
    for start in range(0, len(pixels), 32):
        chunk = pixels[start : start + 32]
        batch = torch.from_numpy(np.concatenate([views(p) for p in chunk])) if turned else photos.tensor(chunk)
        scores, found = network(batch.contiguous(memory_format=torch.channels_last))
        logits.append(scores.reshape(len(chunk), -1, scores.shape[1]).mean(1))
        features.append(found.reshape(len(chunk), -1, found.shape[1]).mean(1))
    return torch.cat(logits), torch.cat(features).double().numpy()


def temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """What to divide logits by for the lowest loss."""
    candidates = np.exp(np.linspace(np.log(0.1), np.log(5), 800))
    losses = [float(functional.cross_entropy(logits / t, labels)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def main() -> None:
    parser = argparse.ArgumentParser(description="Pack the weights of the blood-cell classifier.")
    parser.add_argument("data", type=Path)
    parser.add_argument("split", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--last", type=int, default=2, help="how many epochs to choose from (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    validation, labels = photos.read(options.data, photos.names(options.split, "validation"))
    train, _ = photos.read(options.data, photos.names(options.split, "train"))

    network = cells_network.build(len(photos.CLASSES)).eval().to(memory_format=torch.channels_last)
    scored = []
    for checkpoint in sorted(options.run.glob("epoch*.pt"))[-options.last :]:
        weights = {
            k: v.half() if v.is_floating_point() else v for k, v in torch.load(checkpoint, weights_only=True).items()
        }
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        logits, seen = run(network, validation, turned=True)
        heat = temperature(logits, labels)
        loss = float(functional.cross_entropy(logits / heat, labels))
        accuracy = float((logits.argmax(1) == labels).float().mean())
        print(f"{checkpoint.name}: validation accuracy {accuracy:.4f}, loss {loss:.4f} at temperature {heat:.3f}")
        scored.append((loss, checkpoint.name, heat, weights, seen))
    _, name, heat, weights, plain = min(scored, key=lambda each: each[0])
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})

    features = run(network, train)[1]
    mean = features.mean(0).astype(np.float32)
    basis = np.linalg.svd(features - mean, full_matrices=False)[2][:DIRECTIONS].T.astype(np.float32)
    varied = photos.vary(validation, np.random.default_rng(1)).round().byte().permute(0, 2, 3, 1).numpy()
    seen = np.concatenate([plain, run(network, varied, turned=True)[1]]) - mean
    lengths = np.linalg.norm(seen - seen @ basis.astype(np.float64) @ basis.T, axis=1)
    limit = float(np.quantile(lengths, 1 - FLAGGED))

    tensors = {k: v.contiguous() for k, v in weights.items() if not k.endswith("num_batches_tracked")}
    tensors[f"{STATISTICS}mean"] = torch.from_numpy(mean)
    tensors[f"{STATISTICS}basis"] = torch.from_numpy(np.ascontiguousarray(basis))
    notes = {
        "architecture": "EfficientNet-Lite0, 128 x 128",
        "classes": json.dumps(photos.CLASSES),
        "temperature": f"{heat:.6f}",
        "limit": f"{limit:.6f}",
        "epoch": name,
        "data": "PBC dataset, Acevedo et al. 2020, doi 10.1016/j.dib.2020.105474, CC BY 4.0",
        "licence": "Apache-2.0",
    }
    save_file(tensors, options.out, notes)
    options.out.chmod(0o644)
    print(f"{name}: temperature {heat:.4f}, limit {limit:.4f}, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
