// The engine for harnesses that time it: window.bench, see docs/BENCH.md. It
// runs the page's worker on a picture of its own, without the page.
//   bench.html?threads=N&size=S&model=URL&kernels=simd128&conf=0.25&auto
'use strict';
(() => {
  const params = new URLSearchParams(location.search);
  const assets = {}; // the names of the files, which the build writes in
  const asset = (name) => assets[name] ?? name;
  const script = new URL(asset('worker.js'), location.href);
  for (const key of ['threads', 'kernels']) if (params.has(key)) script.searchParams.set(key, params.get(key));
  const thresholds = { conf: params.has('conf') ? Number(params.get('conf')) : 0.25, iou: 0.7, max: 300 };
  const silence = 120e3; // ms without a sign of life after which the worker is given up

  let worker, loading, tail = Promise.resolve(), pending, timer, dead, id = 0;
  let picture = drawn(640, 480), loaded, last, boxes = [];

  // What the worker says; the encoding is wasm/message's.
  const kinds = { load: 1, frame: 2, ready: 5, progress: 6, loaded: 7, result: 8, failed: 9 };
  function encode(kind, fields) {
    const out = [kind], float = new DataView(new ArrayBuffer(4));
    for (const v of fields) {
      if (typeof v === 'string') { const b = new TextEncoder().encode(v); uint(b.length); out.push(...b); }
      else if (typeof v === 'boolean') out.push(v ? 1 : 0);
      else if (v.float !== undefined) { float.setFloat32(0, v.float, true); out.push(...new Uint8Array(float.buffer)); }
      else uint(v);
    }
    function uint(v) { for (; v >= 128; v = Math.floor(v / 128)) out.push(v % 128 + 128); out.push(v); }
    return new Uint8Array(out);
  }
  function decode(bytes) {
    let at = 1;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const uint = () => { let v = 0, unit = 1, b; do { b = view.getUint8(at++); v += b % 128 * unit; unit *= 128; } while (b >= 128); return v; };
    const float = () => view.getFloat32((at += 4) - 4, true);
    const text = () => { const n = uint(); at += n; return new TextDecoder().decode(bytes.subarray(at - n, at)); };
    const list = (item) => Array.from({ length: uint() }, item);
    switch (bytes[0]) {
      case kinds.loaded:
        return { kind: 'loaded', name: text(), width: uint(), height: uint(), precision: text(), variant: text(), threads: uint(), params: uint(), macs: uint(), memory: uint(), classes: list(text), open: uint() / 1000, warm: uint() / 1000 };
      case kinds.result:
        return { kind: 'result', id: uint(), width: uint(), height: uint(), prepare: uint() / 1000, infer: uint() / 1000, decode: uint() / 1000, copy: uint() / 1000, planes: uint() === 1, kernelBytes: uint(), engineBytes: uint(),
          boxes: list(() => ({ x1: float(), y1: float(), x2: float(), y2: float(), score: float(), class: uint() })) };
      case kinds.failed:
        return { kind: 'failed', frame: uint() === 1, id: uint(), reason: uint(), text: text() };
      case kinds.ready:
        return { kind: 'ready', variant: text() };
    }
    return { kind: 'progress' };
  }

  // drawn makes a picture of plain shapes on a gradient.
  function drawn(width, height) {
    const data = new Uint8ClampedArray(4 * width * height);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i += 4) {
        const shape = (x >> 6) * 7 + (y >> 6) * 13, inside = (x & 63) > 12 && (y & 63) > 8 && shape % 3 === 0;
        data[i] = inside ? shape * 37 : x * 255 / width;
        data[i + 1] = inside ? shape * 59 : y * 255 / height;
        data[i + 2] = inside ? shape * 83 : 128;
        data[i + 3] = 255;
      }
    }
    return { data, width, height };
  }

  function fail(error) {
    dead = error;
    worker?.terminate();
    settle('reject', error);
  }
  function settle(how, value) {
    clearTimeout(timer);
    const p = pending;
    pending = null;
    p?.[how](value);
  }
  // answer waits for a message of one of the kinds.
  function answer(what, ...wanted) {
    if (dead) return Promise.reject(dead);
    return new Promise((resolve, reject) => {
      pending = { resolve, reject, wanted };
      clearTimeout(timer);
      timer = setTimeout(() => fail(new Error(`${what}: no word from the engine in ${silence / 1000} s`)), silence);
    });
  }
  function hear({ data }) {
    if (data.boot) {
      if (data.boot === 'progress') return;
      return fail(new Error(data.boot === 'nosimd' ? `this browser's WebAssembly has no SIMD: ${data.text}` : `the engine did not start or ended: ${data.text}`));
    }
    let m;
    try {
      m = decode(data.m);
    } catch (error) {
      return fail(new Error(`a message of the engine cannot be read: ${error.message}`));
    }
    if (m.kind === 'failed') settle('reject', new Error(m.text));
    else if (pending?.wanted.includes(m.kind)) settle('resolve', m);
  }

  // model fetches the model that ?model= names, or the one that the site ships.
  async function model() {
    let url = params.get('model'), name = url;
    if (!url) {
      const about = await fetch(asset('model.json'));
      if (!about.ok) throw new Error(`no model: the site ships none (model.json: the server answered ${about.status}); name one with ?model=URL`);
      name = (await about.json()).name;
      url = asset('model.onnx');
    }
    const response = await fetch(asset(url)).catch((error) => { throw new Error(`model ${url}: ${error.message} (it must be of this origin)`); });
    if (!response.ok) throw new Error(`model ${url}: the server answered ${response.status}`);
    return { name: name.split('/').pop(), blob: await response.blob() };
  }

  function load() {
    loading ??= (async () => {
      const size = params.has('size') ? Number(params.get('size')) : 0;
      if (!Number.isInteger(size) || size < 0 || size > 4096) throw new Error(`size=${params.get('size')}: want a multiple of 32, at most 4096`);
      if (!(thresholds.conf >= 0 && thresholds.conf <= 1)) throw new Error(`conf=${params.get('conf')}: want a score from 0 to 1`);
      const file = model();
      file.catch(() => {}); // reported below, after the engine's own errors
      worker = new Worker(script);
      worker.onmessage = hear;
      worker.onerror = (event) => { event.preventDefault(); fail(new Error(`the engine's worker: ${event.message || 'its script did not load'}`)); };
      worker.onmessageerror = () => fail(new Error('a message of the engine cannot be read'));
      await answer('start', 'ready');
      const { name, blob } = await file;
      const done = answer('load', 'loaded');
      worker.postMessage({ m: encode(kinds.load, [name, size, size, false]), x: blob });
      loaded = await done;
      return note();
    })();
    return loading;
  }

  // run takes one frame from RGBA bytes to boxes. Calls queue.
  function run() {
    const turn = tail.then(async () => {
      await load();
      const start = performance.now();
      const { data, width, height } = picture;
      const frame = typeof VideoFrame === 'function'
        ? new VideoFrame(data, { format: 'RGBA', codedWidth: width, codedHeight: height, timestamp: 0 })
        : await createImageBitmap(new ImageData(data, width, height));
      const done = answer('run', 'result');
      worker.postMessage({ m: encode(kinds.frame, [++id, width, height, { float: thresholds.conf }, { float: thresholds.iou }, thresholds.max, false]), x: frame }, [frame]);
      const r = await done;
      boxes = r.boxes;
      last = { copy: r.copy, prepare: r.prepare, infer: r.infer, decode: r.decode, total: performance.now() - start };
      loaded.memory = r.kernelBytes;
      loaded.engineMemory = r.engineBytes;
      note();
      return { ...last, boxes: boxes.length };
    });
    tail = turn.catch(() => {});
    return turn;
  }

  // info tells about the engine and the last run. Its values are also properties
  // of the function, for harnesses that take bench.info for an object.
  const info = () => ({ ...info });
  info.toJSON = info;
  Object.defineProperty(info, 'toJSON', { enumerable: false });
  const note = () => {
    Object.assign(info, {
      ready: true, model: loaded.name, precision: loaded.precision, size: [loaded.width, loaded.height], threads: loaded.threads, variant: loaded.variant,
      isolated: self.crossOriginIsolated === true, params: loaded.params, macs: loaded.macs, memory: loaded.memory, engineMemory: loaded.engineMemory ?? 0,
      openMs: loaded.open, warmMs: loaded.warm, picture: [picture.width, picture.height], stages: last ?? null,
    });
    return info();
  };

  window.bench = {
    load,
    run,
    info,
    // check returns the boxes of the last run, in pixels of the picture.
    check: () => boxes.map((b) => ({ ...b, name: loaded.classes[b.class] })),
    // feed takes another picture: {data: RGBA bytes, width, height}, such as ImageData.
    feed(image) {
      const { data, width, height } = image ?? {};
      if (!(width > 0 && height > 0) || data?.length !== 4 * width * height) throw new Error('feed: want {data, width, height} with 4 bytes a pixel');
      picture = { data, width, height };
    },
  };

  // ?auto starts by itself: bench.first is what it took from navigation on, in ms.
  if (params.has('auto')) {
    const out = document.getElementById('out');
    window.bench.first = load().then(async () => {
      const ready = performance.now();
      const first = await run();
      return { ready, boxes: performance.now(), first: first.total };
    });
    window.bench.first.then((t) => { out.textContent = JSON.stringify({ ...t, ...info() }, null, 1); }, (e) => { out.textContent = e.message; });
  }
})();
