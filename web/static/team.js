// What kernels run here, and the threads that help them; worker.js starts both,
// pool.js is each thread.
'use strict';

// A module whose probe(255) is 1 where relaxed SIMD multiplies bytes as our
// kernels need it, which is up to the machine: kernels.Probe makes it.
const relaxedProbe = 'AGFzbQEAAAABBgFgAX8BfwMCAQAHCQEFcHJvYmUAAArsAQHpAQIBewF/IAD9DyEBQQEhAiAC/Qx/AYH/gAB/gUBAwMAAAf8BIAH9DAAAAAAAAAAAAAAAAAAAAAD9Uf2SAv0MgH+AgICAAACAf4CA/wAAAP0t/YMBcSECIAL9DH8Bgf+AAH+BQEDAwAAB/wEgAf0Mf39/fjcAAAEBAH5/AAE/v/1R/ZIC/QwAQP+/AJx/AEB/wL/+AID//S39gwFxIQIgAv0MfwGB/4AAf4FAQMDAAAH/ASAB/Qz/gICA/v38AP9/f/+ygIH+/VH9kgL9DH8AgMCA//yCACAA4H8Ag//9Lf2DAXEhAiACDwALAA8EbmFtZQEIAQAFcHJvYmU=';

// relaxedWorks says that the relaxed kernels give right results here;
// ?kernels=simd128 in this script's address declines them.
function relaxedWorks() {
  if (here.searchParams.get('kernels') === 'simd128') return false;
  const bytes = Uint8Array.from(atob(relaxedProbe), (c) => c.charCodeAt(0));
  return WebAssembly.validate(bytes) && new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.probe(255) === 1;
}

// teamSize is the number of threads for the kernels: ?threads=N in this script's
// address, else about one for each physical core, and one core left to the page:
// on two, a second thread makes the page's own tasks wait 50 ms and more.
function teamSize() {
  if (!self.crossOriginIsolated) return 1; // memory cannot be shared
  const asked = Math.floor(Number(here.searchParams.get('threads')));
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
  const script = asset('pool.js');
  const worker = new Worker(here.origin === self.origin ? script
    : URL.createObjectURL(new Blob([`importScripts(${JSON.stringify(script)})`], { type: 'text/javascript' })));
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
