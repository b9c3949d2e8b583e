"""Convolutions and their gradients in PyTorch on one thread, for convolutions.mjs: the shapes as JSON; least of twelve."""
import json
import sys
import time

import torch

torch.set_num_threads(1)


def least(work):
    times = []
    for i in range(14):
        began = time.process_time()
        work()
        if i >= 2:
            times.append((time.process_time() - began) * 1000)
    return round(min(times), 3)


def measure(n, side, channels, k, stride, filters):
    groups = 1 if filters else channels
    x = torch.randn(n, channels, side, side)
    w = torch.randn(filters or channels, channels // groups, k, k)

    def forward():
        return torch.nn.functional.conv2d(x, w, None, stride, k // 2, 1, groups)

    dy = torch.randn_like(forward())

    def backward(picture):
        mask = [picture, not picture, False]
        geometry = [stride] * 2, [k // 2] * 2, [1, 1], False, [0, 0], groups
        return torch.ops.aten.convolution_backward(dy, x, w, None, *geometry, mask)

    return [least(forward), least(lambda: backward(True)), least(lambda: backward(False))]


print(json.dumps([measure(*shape) for shape in json.loads(sys.argv[1])]))
