// Starts the engine: fetches its Go module and the kernels side by side, gives
// the kernels a memory and threads, and runs the Go program, which then answers
// messages. With ?program=convert it is the program that works on models.
'use strict';
// The names of the files, which the build writes in; they lie beside this script,
// whose address a script of another origin that brought it in has to tell.
const assets = {};
const here = new URL(self.eagleeyeScript ?? location.href);
const asset = (name) => String(new URL(assets[name] ?? name, here));
const program = here.searchParams.get('program') === 'convert' ? 'convert.wasm' : 'engine.wasm';
const engine = fetch(asset(program));
engine.catch(() => {}); // told below
importScripts(asset('wasm_exec.js'), asset('team.js'));

// The end of what the Go program wrote to standard error: where it ends by a
// panic, that tells why.
let tail = '';
const write = fs.writeSync, decoder = new TextDecoder();
fs.writeSync = (fd, bytes) => {
  if (fd === 2 && tail.length < 4096) tail += decoder.decode(bytes);
  return write.call(fs, fd, bytes);
};
const reason = () => (/^(?:panic|fatal error): (.*)/m.exec(tail)?.[1] ?? 'no reason given').slice(0, 300);

const progress = {};
let told = 0;

// fetchModule fetches a module; where what came is none, a broken copy may have
// been kept on the way, and it is asked of the server itself, once.
async function fetchModule(name, answer = fetch(asset(name))) {
  try {
    return await compile(name, await answer);
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    return compile(name, await fetch(asset(name), { cache: 'reload' }));
  }
}

// compile compiles a module while it arrives and reports the bytes.
async function compile(name, response) {
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
  const p = progress[name] = { done: 0, total: response.headers.get('content-encoding') ? 0 : Number(response.headers.get('content-length')) };
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, out) {
      p.done += chunk.length;
      if (performance.now() - told > 100) {
        told = performance.now();
        const all = Object.values(progress);
        const sum = (field) => all.reduce((n, q) => n + q[field], 0);
        postMessage({ boot: 'progress', done: sum('done'), total: all.every((q) => q.total) ? sum('total') : 0 });
      }
      out.enqueue(chunk);
    },
  }));
  return WebAssembly.compileStreaming(new Response(counted, { headers: { 'content-type': 'application/wasm' } }));
}

// kernelModule loads the fastest kernels that give right results here, and their
// name; threads is '-threads' or ''.
async function kernelModule(threads) {
  if (relaxedWorks()) {
    try {
      return [await fetchModule(`kernels-relaxed${threads}.wasm`), `relaxed${threads}`];
    } catch (error) {
      console.warn(`no relaxed SIMD: ${error.message || error}`);
    }
  }
  return [await fetchModule(`kernels${threads}.wasm`), `simd128${threads}`];
}

// startKernels gives the kernels a memory: a shared one and a team of threads
// where the page may, else one of their own.
async function startKernels() {
  const wanted = teamSize();
  if (wanted > 1) {
    try {
      const [module, variant] = await kernelModule('-threads'), memory = sharedMemory();
      const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
      const others = await Promise.all(Array.from({ length: wanted - 1 }, () => addThread(module, memory)));
      return { memory, run: exports.run, variant, threads: others.reduce((n, one) => n + one, 1) };
    } catch (error) {
      console.warn(`one thread only: ${error.message || error}`);
    }
  }
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const [module, variant] = await kernelModule('');
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return { memory, run: exports.run, variant, threads: 1, module };
}

(async () => {
  try {
    const [module, kernels] = await Promise.all([fetchModule(program, engine), startKernels()]);
    globalThis.eagleeyeKernels = kernels;
    const go = new Go();
    const instance = await WebAssembly.instantiate(module, go.importObject);
    globalThis.eagleeyeEngineMemory = instance.exports.mem;
    await go.run(instance);
    onmessage = null; // the program's own would throw
    postMessage({ boot: 'exit', text: `The detector's program ended: ${reason()}` });
  } catch (error) {
    const simd = WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]));
    postMessage({ boot: simd ? 'failed' : 'nosimd', text: String(error.message || error) });
  }
})();
