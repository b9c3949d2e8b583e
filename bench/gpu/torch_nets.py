"""The nets of models.mjs in PyTorch, by name."""
import torch
from torch import nn


def conv(i, o, k, s, relu=True):
    layers = [nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


class Block(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.outer = nn.Sequential(conv(i, o, 3, s), conv(o, o, 3, 1, False))
        self.shortcut = nn.Identity() if s == 1 and i == o else conv(i, o, 1, s, False)

    def forward(self, x):
        return torch.relu(self.outer(x) + self.shortcut(x))


def vgg():
    layers, i = [], 1
    for n, o in enumerate([64, 64, 128, 128, 256, 256]):
        layers.append(conv(i, o, 3, 2 if n == 0 else 1))
        if n % 2:
            layers.append(nn.MaxPool2d(2))
        i = o
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


MODELS = {
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    ),
    "lenet5": lambda: nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    ),
    "resnet8": lambda: nn.Sequential(
        conv(1, 16, 3, 2), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    ),
    "vgg": vgg,
}
