"""check.py FOLDER HEIGHT WIDTH INPUT OUTPUT: checks each ONNX file of a folder in full, its name telling what it is
to be ("13 dynamic fp32.onnx"); runs it with ONNX Runtime on one picture and writes its results, in the order of names."""
import glob
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort

folder, height, width, source, target = sys.argv[1:]
x = np.fromfile(source, "<f4").reshape(1, 3, int(height), int(width))
with open(target, "wb") as f:
    for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
        opset, sizes, _ = os.path.basename(path)[:-5].split()
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path)
        assert [(o.domain, o.version) for o in model.opset_import] == [("", int(opset))], path
        shape = model.graph.input[0].type.tensor_type.shape.dim
        assert [bool(d.dim_param) for d in shape] == [sizes == "dynamic", False] + 2 * [sizes == "dynamic"], path
        run = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        run.run(None, {run.get_inputs()[0].name: x})[0].astype("<f4").tofile(f)
