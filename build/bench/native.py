# Times ONNX Runtime's native build: model, size, threads. For each line N on the
# standard input it runs N frames and writes their milliseconds as a JSON list.
import json, sys, time
import numpy as np
import onnxruntime as ort

model, size, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
options = ort.SessionOptions()
options.intra_op_num_threads = threads
options.inter_op_num_threads = 1
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
x = (np.arange(3 * size * size, dtype=np.float32) * 7 % 256 / 255).reshape(1, 3, size, size)
for line in sys.stdin:
    out = []
    for _ in range(int(line)):
        start = time.perf_counter()
        session.run(None, {name: x})
        out.append(1000 * (time.perf_counter() - start))
    print(json.dumps(out), flush=True)
