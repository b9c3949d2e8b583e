"""Steps of the same nets in PyTorch, eager, with Adam, on the CPU; training-speed.mjs asks for them: model, batch, threads."""
import json
import resource
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path.append(str(Path(__file__).parents[1] / "gpu"))
from torch_nets import MODELS

name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
LENGTH, CHARACTERS = 50, 83


class Characters(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(CHARACTERS, 32)
        self.gru = nn.GRU(32, 128, batch_first=True)
        self.dense = nn.Linear(128, CHARACTERS)

    def forward(self, x):
        return self.dense(self.gru(self.embedding(x))[0]).flatten(0, 1)


def normal(*layers, active=True):
    return [*layers, nn.BatchNorm2d(layers[-1].out_channels), *([nn.ReLU6(inplace=True)] if active else [])]


class Inverted(nn.Module):
    def __init__(self, i, o, s, expansion):
        super().__init__()
        wide = i * expansion
        self.adds = s == 1 and i == o
        self.layers = nn.Sequential(
            *(normal(nn.Conv2d(i, wide, 1, bias=False)) if expansion > 1 else []),
            *normal(nn.Conv2d(wide, wide, 3, s, 1, groups=wide, bias=False)),
            *normal(nn.Conv2d(wide, o, 1, bias=False), active=False),
        )

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


def mobilenet():
    layers, i = normal(nn.Conv2d(3, 32, 3, 2, 1, bias=False)), 32
    for expansion, o, blocks, s in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
    ]:
        for n in range(blocks):
            layers.append(Inverted(i, o, s if n == 0 else 1, expansion))
            i = o
    layers += normal(nn.Conv2d(i, 1280, 1, bias=False))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10))


# LeNet-5 with ReLU after each convolution, as in nets.mjs.
MODELS |= {
    "lenet5": lambda: nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    ),
    "gru": Characters,
    "mobilenet": mobilenet,
}

model = MODELS[name]()
optimizer, criterion = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
if name == "gru":
    x = torch.randint(0, CHARACTERS, (batch, LENGTH))
    y = x.flatten()
else:
    x, y = torch.rand(batch, *((3, 96, 96) if name == "mobilenet" else (1, 28, 28))), torch.randint(0, 10, (batch,))


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
