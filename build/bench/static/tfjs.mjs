// TensorFlow.js on its WebAssembly backend, with a graph model.
import { expose, model, size, threads } from './common.mjs';

const tf = window.tf;
let graph, tensor;
expose({
  planar: false,
  unit: size,
  async open() {
    tf.wasm.setWasmPaths('/npm/@tensorflow/tfjs-backend-wasm/dist/');
    tf.wasm.setThreadsCount(threads);
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1);
    const [bytes] = await Promise.all([model(), tf.setBackend('wasm').then(() => tf.ready())]);
    const end = 4 + new DataView(bytes.buffer).getUint32(0, true);
    const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, end)));
    graph = await tf.loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData: bytes.slice(end).buffer }));
    if (threads > 1 && !(tf.wasm.getThreadsCount() > 1)) throw new Error('TensorFlow.js did not start its threads');
    return { backend: tf.getBackend() };
  },
  input(floats) {
    tensor?.dispose();
    tensor = tf.tensor(floats, [1, size, size, 3]);
  },
  async run() {
    const out = graph.execute(tensor);
    const data = await out.data(), anchors = out.shape[2];
    out.dispose();
    return { data, anchors };
  },
});
