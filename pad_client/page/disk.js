// All that this page keeps: the token (this tab only), language, ids of cards that rang, outcomes not yet stored. No personal data.
import { local, read, tab, write } from '../shared/storage.js';

const TOKEN = 'yingbin.token';
const LANGUAGE = 'yingbin.language';
const OUTBOX = 'yingbin.outbox';
const RUNG = 'yingbin.rung';

function readList(key) {
  try {
    const list = JSON.parse(read(local, key) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

export const token = () => read(tab, TOKEN);
export const rememberToken = (value) => write(tab, TOKEN, value);
export const language = () => read(local, LANGUAGE);
export const rememberLanguage = (value) => write(local, LANGUAGE, value);
export const outbox = () => readList(OUTBOX);
export const rememberOutbox = (items) => write(local, OUTBOX, JSON.stringify(items));
export const rung = () => readList(RUNG);
export const rememberRung = (ids) => write(local, RUNG, JSON.stringify(ids));
