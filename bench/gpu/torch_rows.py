"""The same nets in PyTorch, eager, with Adam: images a second on CUDA. gpu.mjs runs this where torch finds CUDA."""
import json
import sys
import time

import torch
from torch import nn

from torch_nets import MODELS

names, batches, seconds = sys.argv[1].split(","), [int(b) for b in sys.argv[2].split(",")], float(sys.argv[3])

for name in names:
    for batch in batches:
        model = MODELS[name]().cuda()
        optimizer, criterion = torch.optim.Adam(model.parameters(), 1e-3), nn.CrossEntropyLoss()
        x, y = torch.rand(batch, 1, 28, 28, device="cuda"), torch.randint(0, 10, (batch,), device="cuda")

        def step():
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        for _ in range(10):
            step().item()
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            for _ in range(20):
                loss = step()
            loss.item()
            steps += 20
        took = time.perf_counter() - began
        row = {"way": "torch", "model": name, "batch": batch, "imagesPerSecond": round(steps * batch / took)}
        row |= {"msPerStep": round(took / steps * 1000, 3), "torch": torch.__version__}
        print(json.dumps(row), flush=True)
