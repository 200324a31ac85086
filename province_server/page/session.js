// Who is signed in. The token lives in this tab only and goes with it.
import { get, post, remove } from './api.js';

const KEPT = 'yingbin.admin.session';

function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
    return kept && kept.expiresAt > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

let session = read();
export let me = null;

function keep(value) {
  session = value;
  try {
    if (value) sessionStorage.setItem(KEPT, JSON.stringify(value));
    else sessionStorage.removeItem(KEPT);
  } catch {
    // switched off: signed in until the page is left
  }
}

export const token = () => session?.token ?? null;
export const expiresAt = () => session?.expiresAt ?? 0;

// Whether the role of whoever is signed in may run an operation of the API.
export const may = (operation) => me?.operations.includes(operation) ?? false;

export async function signIn(staffId, password) {
  renew(await post('sessions', { staff_id: staffId, password }));
  await resume();
}

// A session as the API gives it takes the place of the one so far.
export const renew = (made) => keep({ token: made.token, expiresAt: made.expires_at_ms });

export async function resume() {
  me = await get('me');
}

export function forget() {
  keep(null);
  me = null;
}

// Ends this session at the server too; one that is gone already needs no ending.
export async function signOut() {
  if (!session || !may('sign_out')) return;
  await remove('sessions').catch(() => {});
}
