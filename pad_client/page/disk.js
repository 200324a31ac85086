// All that this page keeps: the token (this tab only), language, ids of cards that rang, outcomes not yet stored. No personal data.

const TOKEN = 'yingbin.token';
const LANGUAGE = 'yingbin.language';
const OUTBOX = 'yingbin.outbox';
const RUNG = 'yingbin.rung';

function read(store, key) {
  try {
    return store().getItem(key);
  } catch {
    return null; // storage switched off: the page still works, it only forgets
  }
}

function write(store, key, value) {
  try {
    if (value === null) store().removeItem(key);
    else store().setItem(key, value);
  } catch {
    // full or switched off, as above
  }
}

function readList(key) {
  try {
    const list = JSON.parse(read(local, key) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

const local = () => window.localStorage;
const tab = () => window.sessionStorage;

export const token = () => read(tab, TOKEN);
export const rememberToken = (value) => write(tab, TOKEN, value);
export const language = () => read(local, LANGUAGE);
export const rememberLanguage = (value) => write(local, LANGUAGE, value);
export const outbox = () => readList(OUTBOX);
export const rememberOutbox = (items) => write(local, OUTBOX, JSON.stringify(items));
export const rung = () => readList(RUNG);
export const rememberRung = (ids) => write(local, RUNG, JSON.stringify(ids));
