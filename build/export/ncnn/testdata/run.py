"""run.py MODEL.param MODEL.bin HEIGHT WIDTH INPUT OUTPUT: runs pictures, one after the other, with ncnn."""
import sys

import ncnn
import numpy as np

param, weights, height, width, source, target = sys.argv[1:]
pictures = np.fromfile(source, "<f4").reshape(-1, 3, int(height), int(width))
net = ncnn.Net()
net.opt.use_vulkan_compute = False
net.opt.num_threads = 1
assert net.load_param(param) == 0 and net.load_model(weights) == 0
with open(target, "wb") as f:
    for x in pictures:
        with net.create_extractor() as e:
            e.input("in0", ncnn.Mat(np.ascontiguousarray(x)).clone())
            code, y = e.extract("out0")
            assert code == 0, code
            np.array(y).astype("<f4").tofile(f)
