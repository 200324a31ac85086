// The browser's storage, which may be full or switched off: the page still works, it only forgets.

export const local = () => window.localStorage;
export const tab = () => window.sessionStorage;

export function read(store, key) {
  try {
    return store().getItem(key);
  } catch {
    return null;
  }
}

export function write(store, key, value) {
  try {
    if (value === null) store().removeItem(key);
    else store().setItem(key, value);
  } catch {
    // as above
  }
}
