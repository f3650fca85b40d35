// One more thread for the kernels: it lives in help() until the team ends, or
// until the engine's worker, which started this one, does.
'use strict';
onmessage = async ({ data: { module, memory } }) => {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  postMessage('ready');
  try {
    exports.help();
  } catch (error) {
    exports.stop(); // the others need not wait for this thread
    throw error;
  }
};
