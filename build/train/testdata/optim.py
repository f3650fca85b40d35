"""Writes optim.json: what PyTorch's optimizers make of given gradients.

Run with torch 2.x: python optim.py > optim.json

Three tensors, a weight with decay, a norm's weight and a bias without, take
six updates of random gradients; rates and momentum change between them as in a
warm-up, and gradients are clipped to norm 10 as a whole. "ema" is Ultralytics'
ModelEMA of the weight (decay 0.9999, tau 2000, here 4 so that it shows).
"""
import json
import math

import torch

torch.manual_seed(7)
SIZES, STEPS, DECAY = [5, 3, 3], 6, 0.05
start = [torch.randn(n) for n in SIZES]
grads = [[torch.randn(n) * (8 if s == 2 else 1) for n in SIZES] for s in range(STEPS)]
rates = [{"weights": 0.002 * s, "biases": 0.1 - 0.01 * s, "momentum": 0.8 + 0.02 * s} for s in range(STEPS)]


def run(make, momentum):
    params = [torch.nn.Parameter(t.clone()) for t in start]
    opt = make([{"params": [params[0]], "weight_decay": DECAY},
                {"params": [params[1]], "weight_decay": 0.0},
                {"params": [params[2]], "weight_decay": 0.0}])
    ema, norms = params[0].detach().clone(), []
    for step, r in enumerate(rates):
        for i, g in enumerate(opt.param_groups):
            g["lr"] = r["biases"] if i == 2 else r["weights"]
            if momentum:
                g["momentum"] = r["momentum"]
        for p, g in zip(params, grads[step]):
            p.grad = g.clone()
        norms.append(float(torch.nn.utils.clip_grad_norm_(params, max_norm=10.0)))
        opt.step()
        d = 0.9999 * (1 - math.exp(-(step + 1) / 4))
        ema = ema * d + (1 - d) * params[0].detach()
    return {"end": [p.tolist() for p in params], "norms": norms, "ema": ema.tolist()}


print(json.dumps({
    "decay": DECAY,
    "start": [t.tolist() for t in start],
    "grads": [[t.tolist() for t in s] for s in grads],
    "rates": rates,
    "sgd": run(lambda g: torch.optim.SGD(g, lr=1, momentum=0.9, nesterov=True), True),
    "adamw": run(lambda g: torch.optim.AdamW(g, lr=1, betas=(0.9, 0.999)), False),
}))
