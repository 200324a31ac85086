// The frame of every page: who is signed in, navigation by role, language, and the place where a page shows itself.
import { onBusy } from '../api.js';
import { el, glyph } from '../dom.js';
import { SECTIONS } from '../pages/index.js';
import { address } from '../router.js';
import { may, me } from '../session.js';
import { choose, current, LANGUAGES, t, word } from '../strings.js';
import { changePassword } from './account.js';
import { spoken } from './notice.js';
import { showKeys } from './keys.js';

const NAMES = { zh: '中', en: 'EN' };

class Shell extends HTMLElement {
  redraw = () => {};
  leave = () => {};

  connectedCallback() {
    this.main = el('main', { id: 'main', class: 'main', tabindex: '-1', onclick: () => this.unfold(false) });
    this.bar = el('div', { class: 'loading', hidden: true, role: 'progressbar', 'aria-label': t('shell.loading') });
    onBusy((busy) => { this.bar.hidden = !busy; });
    this.top = el('header', { class: 'top' });
    this.side = el('nav', { class: 'side', id: 'side', onkeydown: (event) => { if (event.key === 'Escape') { this.unfold(false); this.menu.focus(); } } });
    const skip = el('a', { class: 'skip', href: '#main', onclick: (event) => { event.preventDefault(); this.main.focus(); } }, t('shell.skip'));
    this.append(skip, this.bar, this.top, this.side, this.main, spoken());
  }

  // Draws the frame in the language of now and marks the page that is shown.
  show(name) {
    const folded = this.side.dataset.open !== 'true';
    this.querySelector('.skip').textContent = t('shell.skip');
    this.menu = el('button', { type: 'button', class: 'icon-button menu-button', 'aria-expanded': String(!folded), 'aria-controls': 'side', 'aria-label': t('shell.menu'), testid: 'menu', onclick: () => this.unfold(this.side.dataset.open !== 'true') }, glyph('menu'));
    this.top.replaceChildren(
      this.menu,
      el('a', { class: 'brand', href: address('') },
        el('img', { src: new URL('../icon.svg', import.meta.url).pathname, alt: '', width: 28, height: 28 }), el('span', {}, t('app.title'))),
      el('div', { class: 'seg', role: 'group', 'aria-label': t('shell.language') }, LANGUAGES.map((language) => el('button', {
        type: 'button', lang: language === 'zh' ? 'zh-CN' : 'en', class: 'seg-button', 'aria-pressed': String(language === current()), testid: `language-${language}`,
        onclick: () => { choose(language); this.redraw(); },
      }, NAMES[language]))),
      el('button', { type: 'button', class: 'icon-button', 'aria-label': t('keys.title'), testid: 'keys', onclick: showKeys }, glyph('keyboard')),
      el('button', { type: 'button', class: 'who', title: t('account.title'), testid: 'account', onclick: changePassword }, el('b', {}, me.display_name), el('small', {}, word('role', me.role))),
      el('button', { type: 'button', class: 'button button-small', testid: 'sign-out', onclick: () => this.leave() }, t('shell.sign_out')));
    this.side.setAttribute('aria-label', t('shell.pages'));
    this.side.replaceChildren(...SECTIONS.map((section) => this.section(section, name)).filter(Boolean));
    this.side.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }

  section({ title, pages }, name) {
    const open = pages.filter((page) => may(page.needs));
    if (!open.length) return null;
    return el('div', { class: 'side-section' }, el('h2', {}, t(title)), el('ul', {}, open.map((page) => el('li', {},
      el('a', { href: address(page.name), 'aria-current': page.name === name && 'page', testid: `nav-${page.name}`, onclick: () => this.unfold(false) }, glyph(page.glyph), t(page.title))))));
  }

  unfold(open) {
    this.side.dataset.open = String(open);
    this.menu.setAttribute('aria-expanded', String(open));
    if (open) this.side.querySelector('[aria-current], a')?.focus();
  }
}

customElements.define('yb-shell', Shell);
