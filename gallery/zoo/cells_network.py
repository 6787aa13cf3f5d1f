"""The network of the blood-cell classifier: EfficientNet-Lite0, written out so that no model library is needed.

Tan and Le, *EfficientNet* (2019), in the Lite form that Google published in 2020: no squeeze-and-excitation, ReLU6
in place of swish. Padding follows TensorFlow ("same": the odd pixel goes to the right and the bottom), because the
ImageNet weights that training starts from were learned that way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: Side of the square that the network looks at, in pixels.
INPUT_SIZE = 128

#: Numbers that describe a picture before the last layer; the check for pictures of something else uses them.
FEATURES = 1280

#: kernel, stride, expansion, channels out, repeats: the seven stages of EfficientNet-Lite0.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def build(classes: int, drop_path: float = 0.0) -> torch.nn.Module:
    """The network with fresh weights.

    Args:
        classes: number of classes.
        drop_path: chance, in training, that the last residual block is skipped (earlier ones less).

    Returns:
        A module from float32 ``N x 3 x H x W`` (RGB, 0 to 255) to ``(logits N x classes, features N x 1280)``.
    """
    import torch
    from torch import nn

    class SamePadding(nn.Module):
        """Pad as TensorFlow does for a convolution of even input, kernel ``k`` and stride 2."""

        def __init__(self, kernel: int) -> None:
            super().__init__()
            total = kernel - 2
            self.sides = (total // 2, total - total // 2) * 2

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.pad(x, self.sides)

    def convolution(cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
        norm = nn.BatchNorm2d(cout, eps=1e-3, momentum=0.01)
        if stride == 1:
            return [nn.Conv2d(cin, cout, kernel, 1, kernel // 2, groups=groups, bias=False), norm]
        return [SamePadding(kernel), nn.Conv2d(cin, cout, kernel, stride, groups=groups, bias=False), norm]

    class Block(nn.Module):
        """Inverted residual: widen, filter each channel, narrow."""

        def __init__(self, cin: int, cout: int, kernel: int, stride: int, expand: int, drop: float) -> None:
            super().__init__()
            wide = cin * expand
            layers = [*convolution(cin, wide), nn.ReLU6()] if expand != 1 else []
            layers += [*convolution(wide, wide, kernel, stride, wide), nn.ReLU6(), *convolution(wide, cout)]
            self.body = nn.Sequential(*layers)
            self.residual = stride == 1 and cin == cout
            self.drop = drop

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.body(x)
            if not self.residual:
                return y
            if self.training and self.drop:
                keep = torch.rand(y.shape[0], 1, 1, 1, device=y.device) >= self.drop
                y = y * keep / (1 - self.drop)
            return x + y

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(*convolution(3, 32, 3, 2), nn.ReLU6())
            total = sum(stage[-1] for stage in _STAGES)
            blocks: list[nn.Module] = []
            cin = 32
            for kernel, stride, expand, cout, repeats in _STAGES:
                for index in range(repeats):
                    drop = drop_path * len(blocks) / total
                    blocks.append(Block(cin, cout, kernel, stride if index == 0 else 1, expand, drop))
                    cin = cout
            self.blocks = nn.Sequential(*blocks)
            self.head = nn.Sequential(*convolution(cin, FEATURES), nn.ReLU6())
            self.dropout = nn.Dropout(0.2)
            self.classifier = nn.Linear(FEATURES, classes)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            x = (x - 127.0) / 128.0
            features = self.head(self.blocks(self.stem(x))).mean((2, 3))
            return self.classifier(self.dropout(features)), features

    return Network()
