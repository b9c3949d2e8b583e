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


# LeNet-5 with ReLU after each convolution, as in nets.mjs.
MODELS |= {
    "lenet5": lambda: nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    ),
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
