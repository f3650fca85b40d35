// Keeps the site on the device and serves it from there: one cache for each
// version, filled and checked by SHA-256 before that version takes over, so that
// a page finds all files of its own version, with a network or without. What it
// serves says that the page is isolated from other origins: so there are threads
// on hosts that send no headers, too.
'use strict';
// The files by name, with their bytes and SHA-256; the build writes them in.
const site = {};
const folder = new URL('./', location.href).pathname;
const prefix = `eagleeye-app-${folder}-`, cacheName = prefix + site.version;

const address = (name) => new URL(name === 'index.html' ? './' : name, location.href).href;
const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('');
const right = async (name, bytes) => bytes.byteLength === site.files[name][0] && hex(await crypto.subtle.digest('SHA-256', bytes)) === site.files[name][1];

// served is an answer as the page gets it: what the host says of the file, and
// isolation (HTML, "cross-origin isolated").
function served(from, body, size) {
  const headers = new Headers(from.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  if (size !== undefined) { // plain bytes now
    headers.delete('Content-Encoding');
    headers.set('Content-Length', size);
  }
  return new Response(body, { status: from.status, statusText: from.statusText, headers });
}

// keep puts a file into the cache if it is what this version has under its name.
async function keep(name, response) {
  if (!response.ok) return false;
  const bytes = await response.arrayBuffer();
  if (!await right(name, bytes)) return false;
  await (await caches.open(cacheName)).put(address(name), served(response, bytes, bytes.byteLength));
  return true;
}

// kept returns a file from the cache, nothing where it is missing or broken.
// Modules are compiled while they arrive, and not checked before: who cannot
// compile one asks again with cache: 'reload', past this cache.
async function kept(name, check = !name.endsWith('.wasm')) {
  const cache = await caches.open(cacheName), found = await cache.match(address(name));
  if (!found || !check) return found;
  const bytes = await found.arrayBuffer();
  if (await right(name, bytes)) return served(found, bytes, bytes.byteLength);
  await cache.delete(address(name));
  return undefined;
}

// fill completes the cache; with check it reads all that is there. It throws for
// a file that the host no longer has as this version knows it.
async function fill(check) {
  const cache = await caches.open(cacheName), all = await caches.keys();
  const others = await Promise.all(all.filter((n) => n.startsWith(prefix) && n !== cacheName).map((n) => caches.open(n)));
  for (const name of Object.keys(site.files)) {
    if (check ? await kept(name, true) : await cache.match(address(name))) continue;
    let done = false;
    for (const other of others) { // an older version's file of the same name is the same, unless it broke
      const same = !done && name !== 'index.html' && await other.match(address(name));
      if (same) done = await keep(name, same);
    }
    for (const cache of [name === 'index.html' ? 'no-cache' : 'default', 'reload']) done ||= await keep(name, await fetch(address(name), { cache }));
    if (!done) throw new Error(`${name} is not what this version has under that name`);
  }
}

// answer serves a file of this version, and keeps what the network gives for one
// that is missing.
async function answer(event, name) {
  const { request } = event;
  const fresh = request.cache === 'reload' && request.mode !== 'navigate';
  const found = !fresh && await kept(name);
  if (found) return found;
  const response = await fetch(request.mode === 'navigate' ? address(name) : request);
  event.waitUntil(keep(name, response.clone()).catch(() => {})); // fill tries again
  return served(response, response.body);
}

// elsewhere serves what is not of this version: a file of another one whose page
// is still open, or what the host has besides.
async function elsewhere(request) {
  for (const name of await caches.keys()) {
    const found = name.startsWith(prefix) && await (await caches.open(name)).match(request, { ignoreSearch: true });
    if (found) return found;
  }
  const response = await fetch(request);
  return response.type === 'basic' && response.body ? served(response, response.body) : response;
}

// The first version has no page to disturb: it takes over at once and is filled
// when the page asks. Each later one is complete before it waits for its turn.
addEventListener('install', (event) => event.waitUntil(registration.active ? fill() : skipWaiting()));
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

addEventListener('fetch', (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || !url.pathname.startsWith(folder) || request.headers.has('Range')) return;
  const name = decodeURIComponent(url.pathname.slice(folder.length)) || 'index.html';
  event.respondWith(Object.hasOwn(site.files, name) ? answer(event, name) : elsewhere(request));
});

// {ask: 'take'}: replace the version in use. {ask: 'keep', check}: complete this
// one, and let go of older ones when no other page may run them.
addEventListener('message', (event) => {
  const { ask, check } = event.data ?? {};
  if (ask === 'take') event.waitUntil(skipWaiting());
  if (ask === 'keep') {
    event.waitUntil((async () => {
      try {
        await fill(check);
        const pages = await clients.matchAll({ type: 'window', includeUncontrolled: true });
        const last = pages.length === 1 && !registration.waiting && !registration.installing;
        if (last) for (const n of await caches.keys()) if (n.startsWith(prefix) && n !== cacheName) await caches.delete(n);
        event.source.postMessage({ kept: true, version: site.version });
      } catch (error) {
        event.source.postMessage({ kept: false, text: String(error.message || error) });
      }
    })());
  }
});
