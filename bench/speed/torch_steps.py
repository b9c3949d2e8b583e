"""Steps of the same nets in PyTorch, eager, with Adam, on the CPU; training-speed.mjs asks for them: model, batch, threads."""
import json
import resource
import sys
import time

import torch
from torch import nn

name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
LENGTH, CHARACTERS = 50, 83


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


class Characters(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(CHARACTERS, 32)
        self.gru = nn.GRU(32, 128, batch_first=True)
        self.dense = nn.Linear(128, CHARACTERS)

    def forward(self, x):
        return self.dense(self.gru(self.embedding(x))[0]).flatten(0, 1)


MODELS = {
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
    ),
    "lenet5": lambda: nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    ),
    "resnet8": lambda: nn.Sequential(
        conv(1, 16, 3, 2), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    ),
    "vgg": vgg,
    "gru": Characters,
}

model = MODELS[name]()
optimizer, criterion = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
if name == "gru":
    x = torch.randint(0, CHARACTERS, (batch, LENGTH))
    y = x.flatten()
else:
    x, y = torch.rand(batch, 1, 28, 28), torch.randint(0, 10, (batch,))


def processor():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


print(json.dumps({"ready": True, "torch": torch.__version__}), flush=True)
for line in sys.stdin:
    steps = int(line)
    before, began = processor(), time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    loss.item()
    took = {"wall": (time.perf_counter() - began) / steps * 1000, "cpu": (processor() - before) / steps * 1000}
    print(json.dumps(took), flush=True)
