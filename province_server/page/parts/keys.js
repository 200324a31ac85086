// Keyboard shortcuts: Alt with a digit opens the page of that number in the navigation; Alt+S finds, Alt+K lists them.
import { el } from '../dom.js';
import { SECTIONS } from '../pages/index.js';
import { go } from '../router.js';
import { may } from '../session.js';
import { t } from '../strings.js';
import { inform } from './dialog.js';

const open = () => SECTIONS.flatMap((section) => section.pages).filter((page) => may(page.needs)).slice(0, 9);

export function listen(signedIn) {
  document.addEventListener('keydown', (event) => {
    if (!signedIn() || !event.altKey || event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return;
    const page = /^Digit[1-9]$/.test(event.code) ? open()[Number(event.code.slice(5)) - 1] : null;
    const search = event.code === 'KeyS' ? document.querySelector('input[type=search]') : null;
    if (page) go(page.name);
    else if (search) search.focus();
    else if (event.code === 'KeyK') showKeys();
    else return;
    event.preventDefault();
  });
}

export function showKeys() {
  const line = (keys, text) => el('div', { class: 'key-line' }, el('dt', {}, el('kbd', {}, keys)), el('dd', {}, text));
  inform(t('keys.title'), el('dl', { class: 'key-list' },
    open().map((page, at) => line(`Alt+${at + 1}`, t(page.title))),
    line('Alt+S', t('keys.search')), line('Alt+K', t('keys.list')), line('Esc', t('keys.close'))));
}
