// What the peers' pages have in common: window.bench for the Go program that
// drives them, with load, feed, run and anchors.
export const params = new URLSearchParams(location.search);
export const threads = Number(params.get('threads')) || 1;
export const size = Number(params.get('size'));

export const fetchBytes = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
export const model = () => fetchBytes(params.get('model'));

// expose takes a peer: open() loads it and returns what to tell about it; input
// makes its tensor of planar or interleaved RGB floats; run() gives the output
// [4+classes, anchors] as data and the number of anchors; boxes are in units of
// unit pixels.
export function expose({ planar, unit, open, input, run }) {
  let opened, output;
  const load = () => opened ??= (async () => {
    const info = await open();
    await input(floats(Uint8Array.from({ length: 3 * size * size }, (_, i) => i * 7)));
    return info;
  })();
  // floats turns planar RGB bytes into what the peer takes.
  const floats = (bytes) => {
    const out = new Float32Array(bytes.length), n = bytes.length / 3;
    if (planar) for (let i = 0; i < bytes.length; i++) out[i] = bytes[i] / 255;
    else for (let c = 0; c < 3; c++) for (let i = 0; i < n; i++) out[3 * i + c] = bytes[c * n + i] / 255;
    return out;
  };
  window.bench = {
    load,
    async feed(url) {
      await load();
      await input(floats(await fetchBytes(url)));
      return true;
    },
    async run() {
      output = await run();
      return true;
    },
    // anchors returns [anchor, x1, y1, x2, y2, class, score] of each anchor of the
    // last run whose best class scores above least.
    anchors(least) {
      const { data, anchors } = output, found = [];
      const classes = data.length / anchors - 4;
      for (let a = 0; a < anchors; a++) {
        const at = (k) => data[k * anchors + a];
        let best = 4;
        for (let k = 5; k < 4 + classes; k++) if (at(k) > at(best)) best = k;
        if (!(at(best) > least)) continue;
        const [x, y, w, h] = [0, 1, 2, 3].map((k) => unit * at(k));
        found.push([a, x - w / 2, y - h / 2, x + w / 2, y + h / 2, best - 4, at(best)]);
      }
      return found;
    },
  };
  // ?auto starts by itself: bench.first is what it took from navigation on, in ms.
  if (params.has('auto')) {
    window.bench.first = load().then(async () => {
      const ready = performance.now();
      await window.bench.run();
      window.bench.anchors(0.25);
      const boxes = performance.now();
      return { ready, boxes, first: boxes - ready };
    });
  }
}
