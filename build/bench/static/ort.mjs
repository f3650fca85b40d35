// ONNX Runtime Web on its WebAssembly backend.
import * as ort from '/npm/onnxruntime-web/dist/ort.wasm.min.mjs';
import { expose, model, size, threads } from './common.mjs';

ort.env.wasm.numThreads = threads;
ort.env.wasm.wasmPaths = new URL('/npm/onnxruntime-web/dist/', location.href).href;

let session, tensor;
expose({
  planar: true,
  unit: 1,
  async open() {
    session = await ort.InferenceSession.create(await model(), { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
    return { version: ort.env.versions.web, threads: ort.env.wasm.numThreads };
  },
  input(floats) {
    tensor = new ort.Tensor('float32', floats, [1, 3, size, size]);
  },
  async run() {
    const { dims, data } = (await session.run({ [session.inputNames[0]]: tensor }))[session.outputNames[0]];
    return { data, anchors: dims[2] };
  },
});
