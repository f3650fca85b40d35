// The threads that help the kernels; worker.js starts them, pool.js is each one.
'use strict';

// teamSize is the number of threads for the kernels: ?threads=N in this script's
// address, else about one for each physical core, and one core left to the page:
// on two, a second thread makes the page's own tasks wait 50 ms and more.
function teamSize() {
  if (!self.crossOriginIsolated) return 1; // memory cannot be shared
  const asked = Math.floor(Number(new URLSearchParams(location.search).get('threads')));
  if (asked >= 1) return Math.min(asked, 16);
  const cores = navigator.hardwareConcurrency || 1;
  return Math.max(1, Math.min(8, Math.max(cores >> 1, Math.min(cores - 1, 4))));
}

// sharedMemory reserves as many addresses as the browser gives.
function sharedMemory() {
  for (let maximum = 65536; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 16, maximum, shared: true });
    } catch (error) {
      if (maximum <= 2048) throw error;
    }
  }
}

// addThread starts a worker that helps; it yields 1, or 0 when that fails.
const addThread = (module, memory) => new Promise((done) => {
  const worker = new Worker('pool.js');
  const timer = setTimeout(() => fail(), 5000);
  const fail = (event) => {
    event?.preventDefault();
    worker.terminate();
    done(0);
  };
  worker.onerror = fail;
  worker.onmessage = () => {
    clearTimeout(timer);
    worker.onerror = null;
    done(1);
  };
  worker.postMessage({ module, memory });
});
