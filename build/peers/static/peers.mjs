// Runs ONNX Runtime Web and Eagle Eye's worker for the Go test that drives this
// page by window.peers.
import * as ort from './ort/ort.wasm.min.mjs';

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = new URL('./ort/', location.href).href;

const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const toBase64 = (array) => btoa(Array.from(array, (b) => String.fromCharCode(b)).join(''));

let session, input, worker, picture;
const inbox = [], waiting = [];

window.peers = {
  // open makes an ONNX Runtime session of the model at url.
  async open(url) {
    await session?.release();
    session = await ort.InferenceSession.create(await bytes(url), { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
    return ort.env.versions.web;
  },

  // feed makes the input tensor from planar RGB bytes.
  async feed(url, width, height) {
    input = new ort.Tensor('float32', Float32Array.from(await bytes(url), (v) => v / 255), [1, 3, height, width]);
  },

  // infer runs the session and returns the milliseconds.
  async infer() {
    const start = performance.now();
    await session.run({ [session.inputNames[0]]: input });
    return performance.now() - start;
  },

  // anchors runs the session and returns [anchor, cx, cy, w, h, class, score] of
  // each anchor whose best class scores above least.
  async anchors(least) {
    const { dims, data } = (await session.run({ [session.inputNames[0]]: input }))[session.outputNames[0]];
    const [, rows, n] = dims, found = [];
    for (let a = 0; a < n; a++) {
      let best = 4;
      for (let r = 5; r < rows; r++) if (data[r * n + a] > data[best * n + a]) best = r;
      const score = data[best * n + a];
      if (score > least) found.push([a, data[a], data[n + a], data[2 * n + a], data[3 * n + a], best - 4, score]);
    }
    return found;
  },

  // start runs Eagle Eye's worker; next gives its messages, in base64.
  start() {
    worker = new Worker('/worker.js?threads=1');
    worker.onerror = (e) => push({ text: e.message });
    worker.onmessage = (e) => { if (e.data.boot !== 'progress') push(e.data); };
    return true;
  },
  next: () => inbox.length ? inbox.shift() : new Promise((r) => waiting.push(r)),

  async load(message, url) {
    worker.postMessage({ m: fromBase64(message), x: new Blob([await bytes(url)]) });
    return true;
  },
  async picture(url, width, height) {
    picture = new ImageData(new Uint8ClampedArray((await bytes(url)).buffer), width, height);
    return true;
  },
  async frame(message) {
    const bitmap = await createImageBitmap(picture);
    worker.postMessage({ m: fromBase64(message), x: bitmap }, [bitmap]);
    return peers.next();
  },
};

function push(data) {
  const text = data.m ? toBase64(data.m) : `! ${data.text}`;
  const taker = waiting.shift();
  if (taker) taker(text); else inbox.push(text);
}
