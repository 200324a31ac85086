// Texts of the page: strings/{zh,en}.json, chosen by the reader and remembered.

const KEPT = 'yingbin.admin.language';
const texts = { zh: {}, en: {} };
export const LANGUAGES = ['zh', 'en'];

function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage switched off: the page still works, it only forgets
  }
}

let language = LANGUAGES.includes(remembered()) ? remembered() : 'zh';

export async function load() {
  await Promise.all(LANGUAGES.map(async (name) => {
    texts[name] = await (await fetch(new URL(`strings/${name}.json`, import.meta.url))).json();
  }));
}

export const current = () => language;

export function choose(name) {
  language = name;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // as above
  }
}

export function t(key, values = {}) {
  return (texts[language][key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// A value of the API: our word for it, or the value itself where it is newer than this page.
export const word = (group, value) => texts[language][`${group}.${value}`] ?? value;

// `name` of an object that carries `name_zh` and `name_en`.
export const pick = (object, name) => object[`${name}_${language}`] || object[`${name}_zh`] || '';
