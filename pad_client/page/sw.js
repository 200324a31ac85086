// Keeps the shell of the page (never a card, a photo or an answer of the API), so that it opens while the line is down.
const CACHE = 'yingbin-pad-shell';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const shell = url.pathname.startsWith(new URL('./', location.href).pathname)
    || url.pathname.startsWith(new URL('../assets/', location.href).pathname);
  if (request.method !== 'GET' || url.origin !== location.origin || !shell) return;
  event.respondWith(freshOrKept(request));
});

async function freshOrKept(request) {
  const cache = await caches.open(CACHE);
  try {
    const reply = await fetch(request);
    if (reply.ok) await cache.put(request, reply.clone());
    return reply;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
