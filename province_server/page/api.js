// Every request to the province: token, problem+json, and how many are under way.

let token = () => null;
let expired = () => {};
let underWay = 0;
const watchers = new Set();

// given: token() -> string or null, expired() when the server no longer takes it.
export function connect(given) {
  ({ token, expired } = given);
}

export const onBusy = (watcher) => watchers.add(watcher);

function count(change) {
  underWay += change;
  for (const watcher of watchers) watcher(underWay > 0);
}

// What the server refused, or could not be asked: `code` is stable, `detail` a sentence, `requestId` for the log.
export class Problem extends Error {
  constructor(status, body, requestId) {
    super(body.detail ?? body.title ?? '');
    this.status = status;
    this.code = (body.type ?? '').replace('urn:yingbin:', '');
    this.body = body;
    this.requestId = requestId ?? body.request_id ?? '';
  }
}

const REPEATABLE = new Set(['POST', 'PATCH', 'DELETE']);
const freshKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

// A write whose answer was lost is sent once more under its key, so it happens once.
async function again(error, address, request) {
  if (!request.headers['idempotency-key'] || request.signal?.aborted) throw error;
  await new Promise((done) => setTimeout(done, 700));
  return fetch(address, request);
}

// options: query {name: value}, body (JSON), form (FormData), signal, quiet (no loading bar), raw (the reply itself)
export async function call(method, path, { query = {}, body, form, signal, quiet = false, raw = false } = {}) {
  const address = new URL(`../v1/${path}`, import.meta.url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') address.searchParams.set(name, value);
  }
  const headers = {};
  if (token()) headers.authorization = `Bearer ${token()}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token() && REPEATABLE.has(method) && !form) headers['idempotency-key'] = freshKey();
  const request = { method, headers, signal, body: form ?? (body === undefined ? undefined : JSON.stringify(body)) };
  if (!quiet) count(1);
  try {
    const reply = await fetch(address, request).catch((error) => again(error, address, request));
    if (!reply.ok) throw await refused(reply);
    if (raw) return reply;
    return reply.status === 204 ? null : await reply.json();
  } catch (error) {
    if (error instanceof Problem || error.name === 'AbortError') throw error;
    throw new Problem(0, {}, '');
  } finally {
    if (!quiet) count(-1);
  }
}

async function refused(reply) {
  const body = await reply.json().catch(() => ({}));
  if (reply.status === 401 && token()) expired();
  return new Problem(reply.status, body, reply.headers.get('x-request-id'));
}

export const get = (path, query, options) => call('GET', path, { query, ...options });
export const post = (path, body = undefined, options) => call('POST', path, { body, ...options });
export const put = (path, body) => call('PUT', path, { body });
export const patch = (path, body) => call('PATCH', path, { body });
export const remove = (path) => call('DELETE', path);

// Everything of a list, for choices in forms; at most `most` items.
export async function all(path, most = 1000) {
  const items = [];
  let after = '';
  do {
    const page = await get(path, { after, limit: 200 });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return items;
}

// The reply as a file of the reader's.
export function saveAs(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
