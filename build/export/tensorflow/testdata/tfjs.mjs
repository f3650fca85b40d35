// node tfjs.mjs PACKAGES MODEL HEIGHT WIDTH INPUT OUTPUT: runs NCHW pictures,
// one after the other, with TensorFlow.js on its WebAssembly backend.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [packages, model, height, width, source, target] = process.argv.slice(2);
const require = createRequire(path.join(packages, 'index.js'));
const tf = require('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + '/');
await tf.setBackend('wasm');

const json = JSON.parse(fs.readFileSync(path.join(model, 'model.json')));
const manifest = json.weightsManifest[0];
const weights = fs.readFileSync(path.join(model, manifest.paths[0]));
const net = await loadGraphModel({
  load: async () => ({
    modelTopology: json.modelTopology, format: json.format, signature: json.signature,
    weightSpecs: manifest.weights, weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.length),
  }),
});
const h = Number(height), w = Number(width);
const raw = fs.readFileSync(source);
const pictures = new Float32Array(raw.buffer, raw.byteOffset, raw.length / 4);
const out = fs.openSync(target, 'w');
for (let at = 0; at < pictures.length; at += 3 * h * w) {
  const x = tf.tidy(() => tf.transpose(tf.tensor(pictures.subarray(at, at + 3 * h * w), [1, 3, h, w]), [0, 2, 3, 1]));
  const y = net.predict(x);
  const data = Float32Array.from(await y.data());
  const n = data.length / y.shape[1];
  for (let row = 0; row < 4; row++) for (let i = 0; i < n; i++) data[row * n + i] *= row % 2 ? h : w;
  fs.writeSync(out, new Uint8Array(data.buffer));
  x.dispose();
  y.dispose();
}
