"""Writes ultralytics.json: values and gradients of Ultralytics' own loss.

    pip install ultralytics==8.4.190 && python fixture.py > ultralytics.json

The maps are a formula that the Go test repeats, so only boxes, values and
sampled gradients are stored.
"""
import json
import types

import torch
from ultralytics.utils.loss import v8DetectionLoss


def logits(shape, phase, gain):
    n = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    x = gain * torch.sin(n * 0.7371 + phase) * torch.cos(n * n * 0.0013 + 2 * phase)
    return x.to(torch.float32).reshape(shape).requires_grad_()


def case(name, batch, size, nc, reg_max, truth, gain, topk=10):
    strides = [8, 16, 32]
    box = [logits((batch, 4 * reg_max, size[0] // s, size[1] // s), 0.3 + i, gain) for i, s in enumerate(strides)]
    cls = [logits((batch, nc, size[0] // s, size[1] // s), 5.1 + i, gain) for i, s in enumerate(strides)]

    class Head:
        stride = torch.tensor(strides, dtype=torch.float32)

    Head.nc, Head.reg_max = nc, reg_max

    class Model:
        model = [Head]
        args = types.SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)

        def parameters(self):
            return iter(box)

    loss = v8DetectionLoss(Model(), tal_topk=topk)
    rows = [(i, t[0], t[1:]) for i, ts in enumerate(truth) for t in ts]
    h, w = size
    scale = torch.tensor([w, h, w, h], dtype=torch.float32)
    xyxy = torch.tensor([r[2] for r in rows], dtype=torch.float32).reshape(-1, 4)
    xywh = torch.cat(((xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]), 1) / scale
    preds = {
        "boxes": torch.cat([b.flatten(2) for b in box], 2),
        "scores": torch.cat([c.flatten(2) for c in cls], 2),
        "feats": [torch.zeros(batch, 1, h // s, w // s) for s in strides],
    }
    value, parts = loss(preds, {
        "batch_idx": torch.tensor([float(r[0]) for r in rows]),
        "cls": torch.tensor([float(r[1]) for r in rows]),
        "bboxes": xywh,
    })
    value.sum().backward()

    def sample(g):
        g = g.flatten().double()
        top = g.abs().argsort(descending=True)[:12].tolist()
        some = range(0, len(g), max(1, len(g) // 12))
        return {"norm": g.norm().item(), "at": [[i, g[i].item()] for i in sorted({*top, *some})]}

    return {
        "name": name, "batch": batch, "size": size, "classes": nc, "reg_max": reg_max, "gain": gain, "topk": topk,
        "truth": truth, "total": value.sum().item(), "parts": [value[i].item() / batch for i in range(3)],
        "box": [sample(b.grad) for b in box], "cls": [sample(c.grad) for c in cls],
    }


CASES = [
    case("one object", 1, (64, 64), 3, 16, [[[1, 10, 12, 50, 44]]], 1.5),
    case("overlapping and tiny objects, an empty picture", 3, (96, 128), 5, 16, [
        [[0, 4, 4, 60, 70], [2, 20, 10, 70, 80], [2, 30, 20, 62, 60], [4, 100, 80, 106, 85]],
        [],
        [[1, 0, 0, 128, 96], [3, 50, 40, 90, 60], [1, 88, 3, 127, 30]],
    ], 2.0),
    case("eighty classes", 2, (160, 160), 80, 16, [
        [[17, 12, 40, 110, 150], [0, 70, 8, 150, 120], [79, 3, 3, 40, 25]],
        [[0, 5, 60, 45, 155], [0, 30, 62, 75, 150], [0, 60, 55, 100, 158], [56, 100, 100, 158, 158]],
    ], 1.0),
    case("fewer bins, large logits", 2, (64, 96), 2, 8, [[[0, 8, 8, 40, 40]], [[1, 30, 5, 90, 60], [0, 33, 7, 88, 57]]], 6.0),
    case("no objects at all", 2, (64, 64), 4, 16, [[], []], 1.0),
    case("three anchors an object", 1, (96, 96), 3, 16, [[[0, 5, 5, 80, 80], [1, 10, 30, 90, 90]]], 1.5, topk=3),
]
print(json.dumps(CASES, separators=(",", ":")))
