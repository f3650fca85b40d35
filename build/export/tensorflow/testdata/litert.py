"""litert.py MODEL HEIGHT WIDTH INPUT OUTPUT: runs NCHW pictures, one after the other, with LiteRT."""
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, height, width, source, target = sys.argv[1:]
pictures = np.fromfile(source, "<f4").reshape(-1, 1, 3, int(height), int(width)).transpose(0, 1, 3, 4, 2)
run = Interpreter(model)
run.allocate_tensors()
(inp,), (out,) = run.get_input_details(), run.get_output_details()
with open(target, "wb") as f:
    for x in pictures:
        run.set_tensor(inp["index"], np.ascontiguousarray(x))
        run.invoke()
        y = run.get_tensor(out["index"])[0].copy()
        y[[0, 2]] *= int(width)
        y[[1, 3]] *= int(height)
        y.astype("<f4").tofile(f)
