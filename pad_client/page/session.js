// Who is signed in: the token from the address or the sign-in form.
import * as disk from './disk.js';

// `#token=...` is taken once and removed, so that it stays out of history and screenshots. Returns whether there was one.
export function tokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!given) return false;
  disk.rememberToken(given);
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}

// Returns {token} or {problem: {detail, error_id}}.
export async function signIn(staffId, pin) {
  let reply;
  try {
    reply = await fetch(new URL('../v1/sessions', import.meta.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ staff_id: staffId, pin }),
    });
  } catch {
    return { problem: { detail: null, error_id: '' } };
  }
  const body = await reply.json().catch(() => ({}));
  if (reply.ok && body.token) {
    disk.rememberToken(body.token);
    return { token: body.token };
  }
  return { problem: { detail: body.detail ?? body.title ?? null, error_id: body.error_id ?? '' } };
}
