// What is wrong right now: line down, province unreachable, sound still off, refusals with their error id.
import { el, glyph, rebuildOn, setText } from '../dom.js';
import { clock } from '../format.js';
import { current, t } from '../strings.js';
import { tap } from './tap.js';

const PATIENCE_MS = 1500; // a blink of the line is not worth a banner

class Notices extends HTMLElement {
  connectedCallback() {
    this.lineText = el('span');
    this.line = el('div', { class: 'notice notice-danger', role: 'alert', testid: 'line-banner', hidden: true }, glyph('line'), this.lineText);
    this.degradedText = el('span');
    this.degraded = el('div', { class: 'notice notice-warn', role: 'status', testid: 'degraded', hidden: true }, this.degradedText);
    this.soundText = el('span');
    this.sound = el('button', { class: 'notice notice-sound', type: 'button', testid: 'sound-hint', hidden: true }, glyph('bell'), this.soundText);
    this.errors = el('div', { class: 'errors', role: 'alert' });
    this.downSince = 0;
    this.append(this.line, this.degraded, this.sound, this.errors);
  }

  show({ me, line, heardAt, degraded, notices }, { soundReady }) {
    if (line !== 'down') this.downSince = 0;
    else this.downSince ||= Date.now();
    this.line.hidden = line !== 'down' || Date.now() - this.downSince < PATIENCE_MS;
    const update = heardAt ? ` ${t('line.last_update', { time: clock(heardAt, true) })}` : '';
    setText(this.lineText, t('line.down') + update);
    this.degraded.hidden = !degraded;
    setText(this.degradedText, t('line.degraded'));
    this.sound.hidden = soundReady || !me;
    setText(this.soundText, t('sound.enable'));
    rebuildOn(this.errors, [current(), notices], () => notices.map((notice) => el('div', { class: 'notice notice-danger', testid: 'error' },
      el('span', {}, notice.message, ' ', notice.error_id ? el('small', {}, t('error.id', { id: notice.error_id })) : null),
      el('button', { class: 'plain-button', type: 'button', onclick: () => tap(this, { type: 'dismiss', notice }) }, t('app.close')))));
  }
}

customElements.define('yb-notices', Notices);
