// Starts the page's Go module; Vecty replaces #app once it runs.
'use strict';

// isolating makes the service worker isolate the page where the host's headers
// do not, without which there are no threads: the page has to be loaded again,
// once. It says whether that is under way. Where it did not help, or cannot, the
// page goes on with one thread.
async function isolating() {
  const tried = 'eagleeye-isolating', limit = 4000; // ms
  try {
    if (crossOriginIsolated) sessionStorage.removeItem(tried);
    if (crossOriginIsolated || window !== top || !isSecureContext || !navigator.serviceWorker || sessionStorage.getItem(tried)) return false;
    sessionStorage.setItem(tried, '1'); // before anything else: never twice
    const workers = navigator.serviceWorker;
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error('it takes too long')), limit));
    const controlled = new Promise((done) => {
      if (workers.controller) done();
      workers.addEventListener('controllerchange', done, { once: true });
    });
    await Promise.race([workers.register('sw.js', { updateViaCache: 'none' }).then(() => controlled), late]);
  } catch (error) {
    console.info(`one thread only, for the service worker does not help: ${error.message || error}`);
    return false;
  }
  location.reload();
  return true;
}

(async () => {
  // The names of the files, which the build writes in; the page's module asks
  // here too (dom.Asset).
  const assets = {};
  const asset = (name) => assets[name] ?? name;
  globalThis.eagleeyeAssets = assets;
  // The page's language and theme, before its module can tell (web/shell_js.go):
  // of the address, of the last visit, else the browser's.
  let kept = '';
  try { kept = localStorage.getItem('eagleeye') ?? ''; } catch { /* storage may be forbidden */ }
  const chosen = (name) => new RegExp(`[#&]${name}=(\\w+)`).exec(`${location.hash}#${kept}`)?.[1];
  const language = chosen('lang') ?? navigator.languages.find((one) => /^(en|zh)\b/i.test(one)) ?? 'en';
  const say = (english, chinese) => (/^zh/i.test(language) ? chinese : english);
  document.documentElement.lang = say('en', 'zh-Hans');
  if (/^(dark|light)$/.test(chosen('theme'))) document.documentElement.dataset.theme = chosen('theme');
  const text = document.getElementById('boot-text');
  text.textContent = say('Loading the page', '正在加载页面');
  const bar = document.getElementById('boot-progress');
  const fail = (what, remedy) => {
    const app = document.getElementById('app');
    if (!app.classList.contains('boot')) { app.className = 'boot failed'; app.replaceChildren(text, document.createElement('p')); app.lastChild.id = 'boot-remedy'; }
    text.setAttribute('role', 'alert');
    text.textContent = what;
    document.getElementById('boot-remedy').textContent = remedy;
    bar.remove();
  };
  // A function whose body is one SIMD instruction: i8x16.splat.
  const simd = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]);
  if (typeof WebAssembly !== 'object' || typeof Worker !== 'function') {
    return fail(say('This browser cannot run WebAssembly in a worker', '此浏览器无法在后台线程中运行 WebAssembly'),
      say('Update the browser: Chrome or Edge 91, Firefox 89, Safari 16.4 or later can.', '请更新浏览器：Chrome 或 Edge 91、Firefox 89、Safari 16.4 及以上版本可以。'));
  }
  if (!WebAssembly.validate(simd)) {
    return fail(say('This browser has no WebAssembly SIMD', '此浏览器不支持 WebAssembly SIMD'),
      say('Update the browser: Chrome or Edge 91, Firefox 89, Safari 16.4 or later have it.', '请更新浏览器：Chrome 或 Edge 91、Firefox 89、Safari 16.4 及以上版本均支持。'));
  }
  // An offer to install the page may come before its module runs.
  addEventListener('beforeinstallprompt', (event) => { event.preventDefault(); globalThis.eagleeyeInstall = event; });
  if (await isolating()) return;
  // What the page will ask for first is on its way before its module runs: the
  // detector's worker, whose messages are kept until the page takes it over
  // (web/client), and the site's model. ?threads=N and ?kernels=simd128 in the
  // page's address go on to the worker's.
  const asked = new URLSearchParams(location.search), wanted = new URLSearchParams();
  if (/^-?\d+$/.test(asked.get('threads'))) wanted.set('threads', asked.get('threads'));
  if (asked.get('kernels') === 'simd128') wanted.set('kernels', 'simd128');
  const script = asset('worker.js') + (String(wanted) ? `?${wanted}` : '');
  const early = globalThis.eagleeyeEarly = { script, said: [], worker: new Worker(script), fetches: {} };
  early.worker.onmessage = ({ data }) => early.said.push(data);
  early.worker.onerror = (event) => {
    event.preventDefault();
    early.failed = event.message || 'The worker reports no reason.';
  };
  const about = early.fetches['model.json'] = fetch(asset('model.json'));
  early.fetches['model.onnx'] = assets['model.onnx'] ? fetch(assets['model.onnx']) : about.then((r) => (r.ok ? fetch('model.onnx') : r));
  for (const request of Object.values(early.fetches)) request.catch(() => {}); // the page will tell
  try {
    const go = new Go();
    const start = async (options) => {
      const response = await fetch(asset('ui.wasm'), options);
      if (!response.ok) throw new Error(`ui.wasm: the server answered ${response.status}`);
      const total = response.headers.get('content-encoding') ? 0 : Number(response.headers.get('content-length'));
      let done = 0;
      const counted = response.body.pipeThrough(new TransformStream({
        transform(chunk, out) {
          done += chunk.length;
          if (total > 0) bar.value = done / total;
          out.enqueue(chunk);
        },
      }));
      return WebAssembly.instantiateStreaming(new Response(counted, { headers: { 'content-type': 'application/wasm' } }), go.importObject);
    };
    // What is no module may be a broken copy kept on the way: once more, of the
    // server itself.
    const { instance } = await start().catch((error) => {
      if (!(error instanceof WebAssembly.CompileError)) throw error;
      return start({ cache: 'reload' });
    });
    globalThis.eagleeyeUIMemory = instance.exports.mem;
    await go.run(instance);
    fail(say('The page stopped', '页面停止了运行'),
      say('Reload it. If it stops again, please report what the browser\'s console says.', '请重新加载。如果再次停止，请反馈浏览器控制台中的内容。'));
  } catch (error) {
    fail(say('The page could not start: ', '页面无法启动：') + (error.message || error), say('Check the connection and reload.', '请检查网络并重新加载。'));
  }
})();
