// For service workers: keeps the shell of a page (never an answer of the API), so that it opens while the line is down.

self.keepShell = (cacheName) => {
  const folders = ['./', '../shared/', '../assets/'].map((folder) => new URL(folder, self.location.href).pathname);

  async function freshOrKept(request) {
    const cache = await caches.open(cacheName);
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

  self.addEventListener('install', () => self.skipWaiting());
  self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener('fetch', (event) => {
    const url = new URL(event.request.url);
    const shell = folders.some((folder) => url.pathname.startsWith(folder));
    if (event.request.method === 'GET' && url.origin === self.location.origin && shell) event.respondWith(freshOrKept(event.request));
  });
};
