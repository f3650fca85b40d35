"""ort.py MODEL BATCH HEIGHT WIDTH INPUT OUTPUT: runs NCHW pictures, BATCH at a time, with ONNX Runtime."""
import sys

import numpy as np
import onnx
import onnxruntime as ort

model, batch, height, width, source, target = sys.argv[1:]
onnx.checker.check_model(model, full_check=True)
pictures = np.fromfile(source, "<f4").reshape(-1, int(batch), 3, int(height), int(width))
run = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
with open(target, "wb") as f:
    for x in pictures:
        run.run(None, {run.get_inputs()[0].name: x})[0].astype("<f4").tofile(f)
