// TensorFlow.js on its WebAssembly backend. The model is a list of operations
// (package nhwc), run as a converted graph model would be: a convolution with its
// bias is one fused kernel.
import { expose, model, size, threads } from './common.mjs';

const tf = window.tf;
let net, constants, tensor;

const kernels = {
  conv: (o, x, w, b) => tf.fused.conv2d({ x, filter: w, strides: o.stride, pad: o.pad ?? 0, bias: b, activation: 'linear' }),
  sigmoid: (o, x) => tf.sigmoid(x),
  mul: (o, x, y) => tf.mul(x, y),
  add: (o, x, y) => tf.add(x, y),
  sub: (o, x, y) => tf.sub(x, y),
  maxpool: (o, x) => tf.maxPool(x, o.window, 1, 'same'),
  upsample: (o, x) => tf.image.resizeNearestNeighbor(x, net.tensors[o.out].shape.slice(1, 3)),
  concat: (o, ...all) => tf.concat(all, o.axis),
  slice(o, x) {
    const { shape } = net.tensors[o.out];
    return tf.slice(x, shape.map((_, i) => i === shape.length - 1 ? o.begin ?? 0 : 0), shape);
  },
  reshape: (o, x) => tf.reshape(x, net.tensors[o.out].shape),
  softmax: (o, x) => tf.softmax(x),
};

expose({
  planar: false,
  async open() {
    tf.wasm.setWasmPaths('/npm/@tensorflow/tfjs-backend-wasm/dist/');
    tf.wasm.setThreadsCount(threads);
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1);
    const [bytes] = await Promise.all([model(), tf.setBackend('wasm').then(() => tf.ready())]);
    const head = new DataView(bytes.buffer).getUint32(0, true);
    net = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + head)));
    constants = net.tensors.map(({ shape, at }) => {
      const n = shape.reduce((a, b) => a * b, 1);
      return at < 0 ? null : tf.tensor(new Float32Array(bytes.buffer.slice(4 + head + 4 * at, 4 + head + 4 * (at + n))), shape);
    });
    // After which operation a result is not needed any more.
    net.ops.forEach((o, k) => o.in.forEach((i) => { net.tensors[i].last = k; }));
    return { version: tf.version_core ?? tf.version?.['tfjs-core'], backend: tf.getBackend(), threads: threads > 1 ? tf.wasm.getThreadsCount() : 1 };
  },
  input(floats) {
    tensor?.dispose();
    tensor = tf.tensor(floats, [1, size, size, 3]);
  },
  async run() {
    const values = [...constants];
    values[net.input] = tensor;
    net.ops.forEach((o, k) => {
      values[o.out] = tf.tidy(() => kernels[o.kind](o, ...o.in.map((i) => values[i])));
      for (const i of new Set(o.in)) if (net.tensors[i].last === k && i !== net.input && !constants[i]) values[i].dispose();
    });
    const out = values[net.output];
    const data = await out.data(), [, anchors, stride] = out.shape;
    out.dispose();
    return { data, anchors, step: 1, stride, corners: true };
  },
});
