// LiteRT.js on its XNNPACK (WebAssembly) accelerator.
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { expose, model, size, threads } from './common.mjs';

let compiled, tensor;
expose({
  planar: false,
  unit: size,
  async open() {
    const [bytes] = await Promise.all([model(), loadLiteRt('/npm/@litertjs/core/wasm/', { threads: threads > 1 })]);
    compiled = await loadAndCompile(bytes, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
    return { threads };
  },
  input(floats) {
    tensor?.delete();
    tensor = new Tensor(floats, [1, size, size, 3]);
  },
  async run() {
    const results = await compiled.run([tensor]);
    const data = await results[0].data();
    const { dimensions } = results[0].type.layout;
    results[0].delete();
    return { data, anchors: dimensions[2] };
  },
});
