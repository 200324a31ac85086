// One alert, opened: who it is and by which order. Closed again by a tap, Escape or a minute without a touch; then
// nothing of it stays in the page.
import { el, glyph, rebuildOn } from '../../shared/dom.js';
import { clock } from '../../shared/format.js';
import { current, pick, t, word } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';

class AlertDetail extends HTMLElement {
  connectedCallback() {
    this.dialog = el('dialog', { class: 'detail', testid: 'detail', 'aria-labelledby': 'detail-title',
      onclick: (event) => event.target === this.dialog && this.close(),
      oncancel: (event) => { event.preventDefault(); this.close(); } });
    this.append(this.dialog);
  }

  close() {
    tap(this, { type: 'close' });
  }

  show({ opened, busy }) {
    const busyNow = opened !== null && busy.has(opened.alert_id);
    const wasFocused = this.dialog.contains(document.activeElement);
    const before = this.dialog.shownKey;
    rebuildOn(this.dialog, [current(), opened, busyNow], () => (opened ? this.content(opened, busyNow) : []));
    if (opened && !this.dialog.open) this.dialog.showModal();
    else if (!opened && this.dialog.open) this.dialog.close();
    else if (wasFocused && before !== this.dialog.shownKey) this.dialog.querySelector('button:not(:disabled)')?.focus();
  }

  content(alert, busy) {
    const police = alert.watch_list === 'police';
    const line = (label, value, testid) => el('div', {}, el('dt', {}, label), el('dd', { testid }, value));
    const taken = alert.acknowledged_at_ms !== null;
    return [
      el('p', { class: 'detail-notice' }, pick(alert, 'notice')),
      el('h2', { id: 'detail-title', testid: 'subject' }, alert.subject),
      el('dl', {},
        line(t(police ? 'watch.order' : 'watch.authority'), alert.document_number, 'document'),
        line(t('watch.place'), [alert.camera_role && word('role', alert.camera_role), alert.camera_id].filter(Boolean).join(' · '), 'place'),
        line(t('watch.seen'), `${clock(alert.raised_at_ms, true)} – ${clock(alert.last_seen_at_ms, true)}`),
        taken && line(t('watch.taker'), `${alert.acknowledged_by} · ${clock(alert.acknowledged_at_ms)}`)),
      el('p', { class: 'detail-advice' }, t(police ? 'watch.advice_police' : 'watch.advice_overdue')),
      el('div', { class: 'detail-buttons' },
        !taken && el('button', { type: 'button', class: 'big-button big-primary', testid: 'detail-take', disabled: busy,
          onclick: () => tap(this, { type: 'acknowledge', alertId: alert.alert_id }) }, glyph('check'), t('watch.take')),
        el('button', { type: 'button', class: 'big-button', testid: 'detail-close', onclick: () => this.close() }, t('app.close'))),
      el('p', { class: 'detail-fades' }, t('watch.fades')),
    ];
  }
}

customElements.define('yb-alert-detail', AlertDetail);
