"""Makes the checkpoints of this folder: python fixture.py, with the packages
ultralytics (8.4) and torch. The models are tiny YOLOv8s with weights of our own
seed, four values a layer so that the files compress; nothing in them is trained.

saved.pt.gz   as YOLO(...).save writes: "model" in float16, no other state
trained.pt.gz as a running training writes: "ema" in float16, "model" None,
              the optimizer's state beside it
fused.pt.gz   float32 with the batch norms folded
expect.json   the outputs of the first and last, as [1, 4+classes, anchors], for
              the picture (7x + 13y + 29c + xy) mod 256 / 255 of 64×64 pixels
"""

import gzip
import io
import json
import pathlib
import tempfile
from copy import deepcopy

import torch
import ultralytics
import yaml
from ultralytics import YOLO
from ultralytics.utils import YAML

HERE = pathlib.Path(__file__).parent
NAMES = {0: "circle", 1: "cat's eye", 2: "näh"}


def tiny(seed, scale):
    """A YOLOv8 of the given scale with weights of four values."""
    source = pathlib.Path(ultralytics.__file__).parent / "cfg/models/v8/yolov8.yaml"
    d = YAML.load(source)
    d["nc"], d["scales"] = len(NAMES), {"n": scale}
    path = pathlib.Path(tempfile.mkdtemp()) / "yolov8n-fixture.yaml"
    path.write_text(yaml.dump(d))
    y = YOLO(path, verbose=False)
    y.model.names = NAMES
    g = torch.Generator().manual_seed(seed)
    levels = torch.tensor([-1.5, -0.5, 0.5, 1.5])
    with torch.no_grad():
        for name, p in list(y.model.named_parameters()) + list(y.model.named_buffers()):
            if "dfl" in name or not p.is_floating_point():
                continue
            r = levels[torch.randint(0, 4, p.shape, generator=g)]
            if name.endswith("running_var") or name.endswith("bn.weight"):
                p.copy_(1 + r / 4)
            elif p.dim() == 4:
                p.copy_(r / p[0].numel() ** 0.5)
            else:
                p.copy_(r / 4)
    return y


def picture():
    c, y, x = torch.meshgrid(torch.arange(3), torch.arange(64), torch.arange(64), indexing="ij")
    return ((7 * x + 13 * y + 29 * c + x * y) % 256).float()[None] / 255


def output(model):
    model = deepcopy(model).float().eval()
    with torch.no_grad():
        y = model(picture())
    return (y[0] if isinstance(y, (list, tuple)) else y).flatten().tolist()


def write(name, data):
    """gzip without a time; zip entries are stored by torch."""
    with open(HERE / name, "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
        z.write(data)


def bytes_of(checkpoint):
    b = io.BytesIO()
    torch.save(checkpoint, b)
    return b.getvalue()


y = tiny(1, [0.33, 0.0625, 128])
write("saved.pt.gz", bytes_of({
    "ema": None, "model": deepcopy(y.model).half().to(memory_format=torch.contiguous_format), "modelopt": None,
    "date": "2026-01-01", "version": ultralytics.__version__,
}))
expect = {"saved": output(deepcopy(y.model).half())}

y = tiny(2, [0.33, 0.0625, 128])
optimizer = torch.optim.SGD(y.model.parameters(), lr=0.01, momentum=0.9)
for p in y.model.model[0].parameters():
    p.grad = torch.zeros_like(p)
optimizer.step()
write("trained.pt.gz", bytes_of({
    "epoch": 3, "best_fitness": 0.25, "model": None,
    "ema": deepcopy(y.model).half().to(memory_format=torch.channels_last), "updates": 12,
    "optimizer": optimizer.state_dict(), "scaler": {}, "train_metrics": {"fitness": 0.25},
    "train_args": {"task": "detect", "imgsz": 320, "lr0": 0.01, "data": None},
    "train_results": {"epoch": [1, 2]}, "date": "2026-01-01", "version": ultralytics.__version__,
}))
expect["trained"] = output(deepcopy(y.model).half())

y = tiny(3, [0.33, 0.125, 32])
write("fused.pt.gz", bytes_of({"model": deepcopy(y.model).fuse(), "ema": None}))
expect["fused"] = output(y.model)
(HERE / "expect.json").write_text(json.dumps(expect))
