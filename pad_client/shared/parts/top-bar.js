// Who is signed in where, the state of the line, language, sign-out.
import { el, setText } from '../dom.js';
import { current, LANGUAGES, pick, t } from '../strings.js';
import { tap } from './tap.js';

const NAMES = { zh: '中', en: 'EN' };

class TopBar extends HTMLElement {
  connectedCallback() {
    this.setAttribute('role', 'banner');
    this.branch = el('span', { class: 'bar-branch' });
    this.staff = el('span', { class: 'bar-staff' });
    this.dot = el('span', { class: 'bar-dot', 'aria-hidden': 'true' });
    this.line = el('span', { class: 'bar-line-text' });
    this.queued = el('span', { class: 'bar-queued', testid: 'queued', hidden: true });
    this.buttons = LANGUAGES.map((name) => el('button', {
      type: 'button', lang: name, class: 'seg-button', testid: `language-${name}`,
      onclick: () => tap(this, { type: 'language', language: name }),
    }, NAMES[name]));
    this.languages = el('div', { class: 'seg', role: 'group', testid: 'language-switch' }, ...this.buttons);
    this.out = el('button', { type: 'button', class: 'plain-button', testid: 'sign-out', onclick: () => tap(this, { type: 'sign_out' }) });
    this.append(
      el('img', { src: 'icon.svg', alt: '', class: 'bar-mark', width: 36, height: 36 }),
      el('div', { class: 'bar-who' }, this.branch, this.staff),
      el('div', { class: 'bar-line' }, this.queued, this.dot, this.line),
      this.languages,
      this.out,
    );
  }

  show({ me, line, queued }) {
    setText(this.branch, me ? pick(me, 'branch') : t('app.name'));
    setText(this.staff, me?.display_name ?? '');
    this.dot.dataset.line = line;
    setText(this.line, me || line === 'down' ? t(line === 'up' ? 'line.up' : 'line.connecting') : '');
    this.dot.hidden = !this.line.textContent;
    this.queued.hidden = queued === 0;
    setText(this.queued, t('line.queued', { n: queued }));
    this.languages.setAttribute('aria-label', t('app.language'));
    for (const button of this.buttons) button.setAttribute('aria-pressed', String(button.lang === current()));
    this.out.hidden = !me;
    setText(this.out, t('app.sign_out'));
  }
}

customElements.define('yb-top-bar', TopBar);
