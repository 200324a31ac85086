// Texts of the page: /assets/strings/{zh,en}.json, in the language the reader chose.

const texts = { zh: {}, en: {} };
export const LANGUAGES = ['zh', 'en'];
let language = 'zh';

export async function load() {
  await Promise.all(LANGUAGES.map(async (name) => {
    const reply = await fetch(new URL(`../assets/strings/${name}.json`, import.meta.url));
    texts[name] = await reply.json();
  }));
}

export const current = () => language;

export function choose(name) {
  if (LANGUAGES.includes(name)) language = name;
}

export function t(key, values = {}) {
  const text = texts[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// A value the city may extend (tiers, camera roles): our word for it, or its own name.
export function word(group, value) {
  return texts[language][`${group}.${value}`] ?? value;
}

// `name` of an object that carries `name_zh` and `name_en`.
export function pick(object, name) {
  return object[`${name}_${language}`] || object[`${name}_zh`] || '';
}
