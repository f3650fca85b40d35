"""Writes torch.json: what PyTorch computes for the operations that must agree
with it, for TestTorch.

    pip install torch==2.* && python fixture.py > torch.json

Conv → BatchNorm2d → SiLU runs twice in training (running statistics after each),
then once in evaluation; a fake quantization with a learned scale uses PyTorch's
own LSQ kernel. Inputs are small integers over 8, so that the file is short and
both sides start from the same bits.
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_num_threads(1)


def eighths(*shape):
    return torch.randint(-12, 13, shape).float() / 8


def numbers(t):
    return [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]


convbn = []
for name, b, i, o, h, w, k, stride, pad in [
    ("3x3", 2, 3, 4, 5, 6, 3, 1, 1),
    ("3x3 stride 2", 2, 3, 9, 6, 7, 3, 2, 1),
    ("1x1", 3, 5, 8, 4, 4, 1, 1, 0),
]:
    weight = eighths(o, i, k, k).requires_grad_()
    bn = torch.nn.BatchNorm2d(o, eps=1e-3, momentum=0.03)
    with torch.no_grad():
        bn.weight.copy_(1 + eighths(o) / 4)
        bn.bias.copy_(eighths(o))
    case = dict(name=name, shape=[b, i, h, w], out=o, k=k, stride=stride, pad=pad, w=numbers(weight),
                gamma=numbers(bn.weight), beta=numbers(bn.bias), runs=[])
    for training in (True, True, False):
        bn.train(training)
        x = eighths(b, i, h, w).requires_grad_()
        y = F.silu(bn(F.conv2d(x, weight, stride=stride, padding=pad)))
        d = eighths(*y.shape)
        grads = torch.autograd.grad(y, [x, weight, bn.weight, bn.bias], d)
        case["runs"].append(dict(training=training, x=numbers(x), y=numbers(y), dy=numbers(d), grads=[numbers(g) for g in grads],
                                 mean=numbers(bn.running_mean), var=numbers(bn.running_var)))
    convbn.append(case)

lsq = []
for name, axis, low, high in [("tensor", -1, -8, 7), ("channel", 0, -7, 7)]:
    x = eighths(3, 4, 2, 2).requires_grad_()
    entries = 1 if axis < 0 else 3
    scale = (0.09 + 0.05 * torch.arange(entries)).requires_grad_()
    zero = torch.zeros(entries)
    factor = (x.numel() / entries * high) ** -0.5
    if axis < 0:
        y = torch._fake_quantize_learnable_per_tensor_affine(x, scale, zero, low, high, factor)
    else:
        y = torch._fake_quantize_learnable_per_channel_affine(x, scale, zero, axis, low, high, factor)
    d = eighths(*y.shape)
    dx, ds = torch.autograd.grad(y, [x, scale], d)
    lsq.append(dict(name=name, axis=axis, min=low, max=high, shape=list(x.shape), x=numbers(x), scale=numbers(scale), y=numbers(y), dy=numbers(d), dx=numbers(dx), ds=numbers(ds)))

json.dump(dict(torch=torch.__version__, convbn=convbn, lsq=lsq), sys.stdout)
print()
