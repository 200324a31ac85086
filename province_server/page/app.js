// Starts the page: texts, session, then whatever the address names.
import './parts/shell.js';
import './parts/sign-in.js';
import * as session from './session.js';
import * as strings from './strings.js';
import { connect, Problem } from './api.js';
import { el, part } from './dom.js';
import { listen } from './parts/keys.js';
import { complain, problemBox } from './parts/notice.js';
import { SECTIONS } from './pages/index.js';
import { go, here } from './router.js';
import { t } from './strings.js';

const PAGES = new Map(SECTIONS.flatMap((section) => section.pages).map((page) => [page.name, page]));
const shell = part('yb-shell', { redraw: draw, leave: () => leave(null) });
let expiry = 0;
let turn = 0;

async function draw() {
  const mine = ++turn;
  document.documentElement.lang = strings.current() === 'zh' ? 'zh-CN' : 'en';
  if (!session.me) {
    door(null);
    return;
  }
  const { page: name, path, query } = here();
  const open = [...PAGES.values()].filter((page) => session.may(page.needs));
  const page = PAGES.get(name);
  if (!page || !session.may(page.needs)) {
    if (open.length && name !== open[0].name) go(open[0].name);
    else nothing();
    return;
  }
  if (!shell.isConnected) document.body.replaceChildren(shell);
  shell.show(name);
  document.title = `${t(page.title)} · ${t('app.title')}`;
  shell.main.replaceChildren(el('div', { class: 'page' }, el('div', { class: 'page-head' }, el('h1', {}, t(page.title))), el('span', { class: 'bone' })));
  shell.main.scrollTop = 0;
  const root = el('div', { class: 'page', 'data-page': name, 'data-address': location.hash });
  try {
    const { default: show } = await page.load();
    await show(root, { path, query });
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    root.replaceChildren(el('h1', {}, t(page.title)), problemBox(problem, draw));
  }
  if (mine === turn) shell.main.replaceChildren(root);
}

function nothing() {
  if (!shell.isConnected) document.body.replaceChildren(shell);
  shell.show('');
  shell.main.replaceChildren(el('div', { class: 'page' }, el('h1', {}, t('app.title')), el('p', {}, t('shell.nothing'))));
}

function door(note) {
  document.title = t('app.title');
  const choose = strings.LANGUAGES.filter((name) => name !== strings.current()).map((name) => el('button', {
    type: 'button', class: 'button button-small', lang: name === 'zh' ? 'zh-CN' : 'en', testid: `language-${name}`, onclick: () => { strings.choose(name); draw(); },
  }, { zh: '中文', en: 'English' }[name]));
  document.body.replaceChildren(el('main', { class: 'door' }, part('yb-sign-in', { note, entered: enter }), el('div', { class: 'door-language' }, choose)));
}

function enter() {
  clearTimeout(expiry);
  expiry = setTimeout(() => leave(t('sign_in.expired')), session.expiresAt() - Date.now());
  draw();
}

async function leave(note) {
  clearTimeout(expiry);
  if (note === null) await session.signOut();
  session.forget();
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  turn += 1;
  door(note);
}

connect({ token: session.token, expired: () => leave(t('sign_in.expired')) });
await strings.load();
window.addEventListener('hashchange', () => {
  draw();
  if (shell.isConnected) shell.main.focus({ preventScroll: true });
});
window.addEventListener('unhandledrejection', (event) => {
  if (!(event.reason instanceof Problem)) return;
  event.preventDefault();
  if (event.reason.status !== 401) complain(event.reason); // that one leads to the sign-in
});
listen(() => session.me !== null);
if (session.token()) {
  try {
    await session.resume();
    enter();
  } catch (problem) {
    if (problem.status === 401) leave(t('sign_in.expired'));
    else document.body.replaceChildren(el('main', { class: 'door' }, problemBox(problem, () => location.reload())));
  }
} else {
  draw();
}
