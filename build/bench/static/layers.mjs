// Runs programs of our kernels step by step: a file is the program's address,
// its number of steps, the address and length of what a frame begins with, that,
// and the memory (see layers.go).
async function open(module, file) {
  const data = await (await fetch(file)).arrayBuffer(), view = new DataView(data);
  const [prog, steps, at, length] = [0, 4, 8, 12].map((i) => view.getUint32(i, true));
  const bytes = data.byteLength + 65536;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536 });
  const { instance } = await WebAssembly.instantiateStreaming(fetch(module), { env: { memory } });
  const all = new Uint8Array(memory.buffer), begin = () => all.set(new Uint8Array(data, 16, length), at);
  all.set(new Uint8Array(data, 16 + length));
  return { run: instance.exports.run, prog, steps, begin };
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const record = 16; // bytes of a step's record

window.layers = {
  // profile gives the median milliseconds of each step within whole frames, and
  // of a frame run at once.
  async profile(module, file, rounds) {
    const { run, prog, steps, begin } = await open(module, file);
    const all = Array.from({ length: steps }, () => []), frames = [];
    for (let i = -10; i < rounds; i++) {
      begin();
      const begun = performance.now();
      run(prog, steps);
      const frame = performance.now() - begun;
      const times = [];
      begin();
      for (let s = 0; s < steps; s++) {
        const start = performance.now();
        run(prog + record * s, 1);
        times.push(performance.now() - start);
      }
      if (i < 0) continue; // the browser still compiles
      frames.push(frame);
      times.forEach((t, s) => all[s].push(t));
    }
    return { frame: median(frames), steps: all.map(median) };
  },
  // best gives the least milliseconds of step number at, run again and again.
  async best(module, file, at) {
    const { run, prog, steps } = await open(module, file);
    run(prog, steps);
    let best = Infinity;
    for (let start = performance.now(), n = 0; n < 40 || performance.now() < start + 60; n++) {
      const before = performance.now();
      for (let k = 0; k < 4; k++) run(prog + record * at, 1);
      best = Math.min(best, (performance.now() - before) / 4);
    }
    return best;
  },
};
