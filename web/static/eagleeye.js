// The detector without the page: an ES module, documented in docs/EMBEDDING.md,
// with its types in eagleeye.d.ts. It starts the page's worker and speaks its
// messages (wasm/message).

// The names of the files, which the build writes in; they lie beside this one.
const assets = {};
const asset = (name) => new URL(assets[name] ?? name, import.meta.url);

// Encoding of the messages, in the order of their fields: u is an uvarint, s a
// string, b a boolean, f a float32, [..] a list.
const boxFields = { x1: 'f', y1: 'f', x2: 'f', y2: 'f', score: 'f', class: 'u' };
const messages = {
  load: [1, { name: 's', width: 'u', height: 'u', precision: 'u' }],
  frame: [2, { id: 'u', width: 'u', height: 'u', conf: 'f', iou: 'f', max: 'u', thumb: 'b' }],
  ready: [5, { variant: 's' }],
  progress: [6, { stage: 'u' }],
  loaded: [7, { name: 's', width: 'u', height: 'u', precision: 's', variant: 's', threads: 'u', params: 'u', macs: 'u', memory: 'u', classes: ['s'], open: 'u', warm: 'u', quantized: 'b' }],
  result: [8, { id: 'u', width: 'u', height: 'u', prepare: 'u', infer: 'u', decode: 'u', copy: 'u', planes: 'b', kernelBytes: 'u', engineBytes: 'u', boxes: [boxFields], thumb: 's' }],
  failed: [9, { frame: 'b', id: 'u', reason: 'u', text: 's' }],
};

// encode makes the bytes of a message that the worker takes. For tests.
export function encode(kind, values) {
  const [number, fields] = messages[kind], out = [number];
  const uint = (v) => { for (; v >= 128; v = Math.floor(v / 128)) out.push(v % 128 + 128); out.push(v); };
  for (const [name, type] of Object.entries(fields)) {
    const v = values[name];
    if (type === 's') { const b = new TextEncoder().encode(v); uint(b.length); out.push(...b); }
    else if (type === 'f') out.push(...new Uint8Array(new Float32Array([v]).buffer)); // little-endian, as WebAssembly is
    else uint(Number(v));
  }
  return new Uint8Array(out);
}

// decode reads what the worker says: {kind, …fields}. For tests.
export function decode(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 1;
  const uint = () => { let v = 0, unit = 1, b; do { b = view.getUint8(at++); v += b % 128 * unit; unit *= 128; } while (b >= 128); return v; };
  const read = (type) => {
    if (Array.isArray(type)) return Array.from({ length: uint() }, () => read(type[0]));
    if (typeof type === 'object') return Object.fromEntries(Object.entries(type).map(([name, t]) => [name, read(t)]));
    if (type === 'f') return view.getFloat32((at += 4) - 4, true);
    const v = uint();
    if (type === 'b') return v === 1;
    if (type === 's') return new TextDecoder().decode(bytes.subarray((at += v) - v, at));
    return v;
  };
  const found = Object.entries(messages).find(([, [number]]) => number === bytes[0]);
  if (!found) return { kind: 'other' };
  return { kind: found[0], ...read(found[1][1]) };
}

// start makes the worker. One of another origin has to be brought in by a script
// of this one.
function start(options) {
  const url = asset('worker.js');
  for (const key of ['threads', 'kernels']) if (options[key]) url.searchParams.set(key, options[key]);
  if (url.origin === location.origin) return new Worker(url);
  const script = `self.eagleeyeScript = ${JSON.stringify(url)}; importScripts(self.eagleeyeScript);`;
  const blob = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(blob);
  setTimeout(() => URL.revokeObjectURL(blob), 60e3);
  return worker;
}

async function fetched(url, what) {
  const response = await fetch(url).catch((error) => { throw new Error(`${what} ${url}: ${error.message}; a host of another origin must allow it (CORS)`); });
  if (!response.ok) throw new Error(`${what} ${url}: the server answered ${response.status}`);
  return response;
}

// named returns a model as {name, blob}.
async function named(model, name) {
  if (model === undefined || model === null) { // the site's own
    const about = await (await fetched(asset('model.json'), 'model')).json();
    return { name: name ?? about.name, blob: await (await fetched(asset('model.onnx'), 'model')).blob() };
  }
  if (model instanceof Blob) return { name: name ?? model.name ?? 'model.onnx', blob: model };
  if (model instanceof ArrayBuffer || ArrayBuffer.isView(model)) return { name: name ?? 'model.onnx', blob: new Blob([model]) };
  const url = new URL(model, document.baseURI);
  return { name: name ?? url.pathname.split('/').pop(), blob: await (await fetched(url, 'model')).blob() };
}

const precisions = { file: 0, float: 1, mixed: 2 };
const silence = 120e3; // ms without a word after which the worker is given up

/** Loads a model; the site's own where none is given. */
export async function load(model, options = {}) {
  const precision = precisions[options.precision ?? 'file'], size = options.size ?? 0;
  if (precision === undefined) throw new TypeError(`precision ${options.precision}: want file, float or mixed`);
  const [width, height] = Array.isArray(size) ? size : [size, size];
  for (const side of [width, height]) if (!Number.isInteger(side) || side < 0 || side % 32 !== 0 || side > 4096) throw new RangeError(`size ${size}: want multiples of 32, at most 4096`);
  const link = new Link(start(options));
  try {
    const file = named(model, options.name);
    file.catch(() => {}); // told below, after what the worker says
    await link.answer('ready');
    const { name, blob } = await file;
    const loaded = link.answer('loaded');
    link.post('load', { name, width, height, precision }, blob);
    return new Detector(link, await loaded);
  } catch (error) {
    link.end(error);
    throw error;
  }
}

// Link is the worker, and who waits for its answer.
class Link {
  constructor(worker) {
    this.worker = worker;
    worker.onmessage = ({ data }) => this.hear(data);
    worker.onerror = (event) => { event.preventDefault(); this.end(new Error(`the detector's worker: ${event.message || 'its script did not load'}`)); };
  }
  hear(data) {
    this.wait();
    if (data.boot === 'progress') return;
    if (data.boot) { this.end(new Error(data.boot === 'nosimd' ? "this browser's WebAssembly has no SIMD" : data.text)); return; }
    const m = decode(data.m);
    if (m.kind === 'failed') this.settle('reject', new Error(m.text));
    else if (m.kind === this.wanted) this.settle('resolve', m);
  }
  answer(kind) {
    if (this.dead) return Promise.reject(this.dead);
    return new Promise((resolve, reject) => { Object.assign(this, { wanted: kind, resolve, reject }); this.wait(); });
  }
  wait() {
    clearTimeout(this.timer);
    if (this.wanted) this.timer = setTimeout(() => this.end(new Error(`no word from the detector in ${silence / 1000} s`)), silence);
  }
  settle(how, value) {
    clearTimeout(this.timer);
    const settle = this.wanted && this[how];
    this.wanted = undefined;
    settle?.(value);
  }
  post(kind, values, x, transfer) { this.worker.postMessage({ m: encode(kind, values), x }, transfer); }
  end(why) {
    this.dead ??= why;
    this.worker.terminate();
    this.settle('reject', this.dead);
  }
}

// picture makes of a source what the worker takes: it belongs to the worker then.
async function picture(source) {
  if (typeof VideoFrame === 'function') {
    if (source instanceof VideoFrame) return source.clone();
    if (source instanceof HTMLVideoElement && source.readyState >= 2) return new VideoFrame(source);
  }
  if (source instanceof HTMLImageElement) await source.decode();
  return createImageBitmap(source);
}

/** A model that is loaded, in a worker of its own. */
export class Detector {
  #link; #tail = Promise.resolve(); #id = 0;
  constructor(link, { kind, open, warm, ...info }) {
    this.#link = link;
    this.info = Object.freeze(info);
  }

  /** Finds objects in a picture. Calls queue; each takes the picture when its turn comes. */
  detect(source, options = {}) {
    const turn = this.#tail.then(() => this.#detect(source, options));
    this.#tail = turn.catch(() => {});
    return turn;
  }
  async #detect(source, { conf = 0.25, iou = 0.7, max = 300 }) {
    if (this.#link.dead) throw this.#link.dead;
    const x = await picture(source);
    const width = x.displayWidth ?? x.width, height = x.displayHeight ?? x.height;
    const done = this.#link.answer('result');
    try {
      this.#link.post('frame', { id: ++this.#id, width, height, conf, iou, max, thumb: false }, x, [x]);
    } catch (error) { // of another origin, for one
      this.#link.settle('reject', error);
      x.close();
    }
    const r = await done;
    return {
      width: r.width, height: r.height,
      boxes: r.boxes.map((b) => ({ ...b, name: this.info.classes[b.class] ?? `class ${b.class}` })),
      times: { prepare: r.prepare / 1000, infer: r.infer / 1000, decode: r.decode / 1000 },
    };
  }

  /** Ends the worker and gives its memory back. */
  dispose() { this.#link.end(new Error('the detector was disposed of')); }
}

const style = new CSSStyleSheet();
style.replaceSync(':host { display: inline-block; position: relative } :host([hidden]) { display: none } img, video, canvas { display: block; width: 100%; height: 100% } canvas { position: absolute; inset: 0; pointer-events: none }');

/**
 * <eagle-eye src="picture or video" | camera model conf iou max size threads precision>: a picture
 * with its boxes. Events: ready (detail: info), detect (detail: the result), error (detail: the Error).
 */
export class EagleEye extends HTMLElement {
  static observedAttributes = ['src', 'camera', 'model', 'size', 'threads', 'precision', 'conf', 'iou', 'max'];
  #canvas = document.createElement('canvas');
  #media; #run = 0; #planned = false; #key; #again;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [style];
    this.shadowRoot.append(this.#canvas);
  }
  connectedCallback() { this.#plan(); }
  disconnectedCallback() {
    this.#plan();
  }
  attributeChangedCallback(name) {
    if (!['conf', 'iou', 'max'].includes(name)) this.#plan();
    else this.#again?.();
  }

  /** The detector in use, or undefined. */
  detector;
  /** The last result, or undefined. */
  result;

  // plan gathers what changes in one go.
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => { this.#planned = false; this.#start(); });
  }
  #tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
  #number(name) { return this.hasAttribute(name) ? Number(this.getAttribute(name)) : undefined; }

  async #start() {
    const run = ++this.#run, over = () => run !== this.#run;
    this.#close();
    if (!this.isConnected) { this.detector?.dispose(); this.detector = this.#key = undefined; return; }
    try {
      const options = { size: this.#number('size'), threads: this.#number('threads'), precision: this.getAttribute('precision') ?? undefined };
      const model = this.getAttribute('model') ?? undefined, key = JSON.stringify([model, options]);
      if (key !== this.#key) {
        this.detector?.dispose();
        this.detector = this.#key = undefined;
        const detector = await load(model, options);
        if (over()) { detector.dispose(); return; }
        this.detector = detector;
        this.#key = key;
        this.#tell('ready', detector.info);
      }
      const media = await this.#open();
      if (over()) { release(media); return; }
      if (!media) return;
      this.#media = media;
      this.shadowRoot.prepend(media);
      if (media instanceof HTMLVideoElement) while (!over() && !media.ended) await Promise.all([this.#look(over), new Promise(requestAnimationFrame)]);
      else for (;;) {
        const changed = new Promise((again) => { this.#again = again; });
        await this.#look(over);
        await changed;
        if (over()) return;
      }
    } catch (error) {
      if (!over()) this.#tell('error', error);
    }
  }

  // open returns the element that shows the source, once it has a picture.
  async #open() {
    const src = this.getAttribute('src'), camera = this.getAttribute('camera');
    if (camera === null && src === null) return undefined;
    if (camera === null && !/\.(mp4|webm|ogv|mov|m4v)([?#]|$)/i.test(src)) {
      const img = Object.assign(new Image(), { crossOrigin: 'anonymous', src });
      await img.decode();
      return img;
    }
    const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true, loop: true, crossOrigin: 'anonymous' });
    if (camera === null) video.src = src;
    else video.srcObject = await navigator.mediaDevices.getUserMedia({ video: camera ? { facingMode: camera } : true });
    try {
      await video.play();
    } catch (error) {
      release(video);
      throw error;
    }
    return video;
  }

  async #look(over) {
    const options = {};
    for (const name of ['conf', 'iou', 'max']) if (this.hasAttribute(name)) options[name] = this.#number(name);
    const result = await this.detector.detect(this.#media, options);
    if (over()) return;
    this.result = result;
    this.#draw(result);
    this.#tell('detect', result);
  }

  #draw({ width, height, boxes }) {
    const c = this.#canvas, line = Math.max(2, Math.round(Math.max(width, height) / 320));
    Object.assign(c, { width, height });
    const g = c.getContext('2d');
    g.font = `${7 * line}px system-ui, sans-serif`;
    g.textBaseline = 'bottom';
    g.lineWidth = line;
    for (const b of boxes) {
      const color = `hsl(${b.class * 137.5 % 360} 90% 55%)`, text = `${b.name} ${Math.round(100 * b.score)} %`, y = Math.max(b.y1, 9 * line);
      g.strokeStyle = g.fillStyle = color;
      g.strokeRect(b.x1, b.y1, b.x2 - b.x1, b.y2 - b.y1);
      g.fillRect(b.x1, y - 9 * line, g.measureText(text).width + 4 * line, 9 * line);
      g.fillStyle = '#000';
      g.fillText(text, b.x1 + 2 * line, y - line);
    }
  }

  #close() {
    this.#again?.();
    this.#again = undefined;
    release(this.#media);
    this.#media = this.result = undefined;
    this.#canvas.width = this.#canvas.height = 0;
  }
}

function release(media) {
  media?.remove();
  if (!(media instanceof HTMLVideoElement)) return;
  media.pause();
  media.srcObject?.getTracks().forEach((track) => track.stop());
  media.srcObject = null;
}

if (!customElements.get('eagle-eye')) customElements.define('eagle-eye', EagleEye);
