"""run.py MODEL.xml HEIGHT WIDTH INPUT OUTPUT: runs pictures, one after the other, with OpenVINO."""
import sys

import numpy as np
import openvino as ov

xml, height, width, source, target = sys.argv[1:]
pictures = np.fromfile(source, "<f4").reshape(-1, 1, 3, int(height), int(width))
model = ov.Core().compile_model(xml, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
with open(target, "wb") as f:
    for x in pictures:
        model([x])["output0"].astype("<f4").tofile(f)
