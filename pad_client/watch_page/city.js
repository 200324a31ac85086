// The city's API for this page. Every answer is {body} or {problem: {status, message, error_id}}; status 0: no line.
import { t } from '../shared/strings.js';
import { read, tab, write } from '../shared/storage.js';

const TOKEN = 'yingbin.watch.token'; // all that this page keeps, in this tab only

export const token = () => read(tab, TOKEN);
export const forgetToken = () => write(tab, TOKEN, null);

async function ask(method, path, { json, signal } = {}) {
  let reply;
  let body;
  try {
    reply = await fetch(new URL(`../v1/watch/${path}`, import.meta.url), {
      method,
      signal,
      cache: 'no-store',
      headers: {
        ...(token() ? { authorization: `Bearer ${token()}` } : {}),
        ...(json ? { 'content-type': 'application/json' } : {}),
      },
      body: json && JSON.stringify(json),
    });
    body = reply.status === 204 ? {} : await reply.json();
  } catch {
    return { problem: { status: reply?.ok === false ? reply.status : 0, message: t('error.unreachable'), error_id: '' } };
  }
  if (reply.ok) return { body };
  return { problem: { status: reply.status, message: body.detail ?? body.title ?? '', error_id: body.error_id ?? '' } };
}

// Returns the problem, or nothing.
export async function signIn(staffId, pin) {
  const { body, problem } = await ask('POST', 'sessions', { json: { staff_id: staffId, pin } });
  if (body) write(tab, TOKEN, body.token);
  if (problem?.status === 401) problem.message = t('watch.wrong_pin');
  if (problem?.status === 403) problem.message = t('watch.not_for_you');
  return problem && { detail: problem.message, error_id: problem.error_id };
}

export const alerts = (known, waitS, signal) => ask('GET', `alerts?known=${encodeURIComponent(known)}&wait_s=${waitS}`, { signal });
export const open = (alertId) => ask('GET', `alerts/${encodeURIComponent(alertId)}`);
export const acknowledge = (alertId) => ask('POST', `alerts/${encodeURIComponent(alertId)}/acknowledge`);
