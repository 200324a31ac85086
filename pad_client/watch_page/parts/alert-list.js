// The alerts: those nobody has taken first. Nothing here says of whom they are; that takes opening one.
import { el, glyph, rebuildOn, setText } from '../../shared/dom.js';
import { ago, clock } from '../../shared/format.js';
import { current, pick, t, word } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';

class Alerts extends HTMLElement {
  connectedCallback() {
    this.titles = [el('h1', { class: 'desk-title' }), el('h1', { class: 'desk-title' })];
    this.lists = [el('ul', { class: 'alerts' }), el('ul', { class: 'alerts' })];
    this.groups = this.lists.map((list, i) => el('section', {}, this.titles[i], list));
    this.append(...this.groups);
    this.items = new Map();
  }

  show({ alerts, busy }, serverNow) {
    const kept = new Set(alerts.map((one) => one.alert_id));
    for (const id of this.items.keys()) if (!kept.has(id)) this.items.delete(id);
    setText(this.titles[0], t('watch.open_alerts'));
    setText(this.titles[1], t('watch.taken_alerts'));
    this.fill(0, alerts.filter((one) => one.acknowledged_at_ms === null), busy, serverNow);
    this.fill(1, alerts.filter((one) => one.acknowledged_at_ms !== null), busy, serverNow);
    this.hidden = alerts.length === 0;
  }

  fill(group, alerts, busy, serverNow) {
    const list = this.lists[group];
    const nodes = alerts.map((one) => this.item(one, busy, serverNow));
    if (nodes.length !== list.children.length || nodes.some((node, i) => node !== list.children[i])) {
      const focused = list.contains(document.activeElement) ? document.activeElement : null;
      list.replaceChildren(...nodes);
      focused?.focus();
    }
    this.groups[group].hidden = alerts.length === 0;
  }

  item(alert, busy, serverNow) {
    let node = this.items.get(alert.alert_id);
    if (!node) {
      node = this.build(alert);
      this.items.set(alert.alert_id, node);
    }
    const isTaken = alert.acknowledged_at_ms !== null;
    node.dataset.rings = alert.rings;
    node.dataset.taken = isTaken;
    setText(node.notice, pick(alert, 'notice'));
    const place = alert.camera_role ? `${word('role', alert.camera_role)} · ` : '';
    setText(node.where, `${place}${t('watch.first', { time: clock(alert.raised_at_ms, true) })}`);
    setText(node.when, t('watch.last', { time: ago(alert.last_seen_at_ms, serverNow) }));
    rebuildOn(node.state, [current(), alert.acknowledged_at_ms, alert.acknowledged_by], () => [isTaken
      ? el('span', { class: 'tag tag-brand', testid: 'taken-by' },
        t('watch.taken', { name: alert.acknowledged_by, time: clock(alert.acknowledged_at_ms) }))
      : el('span', { class: 'tag tag-new' }, t('watch.not_taken'))]);
    setText(node.look, t('watch.open'));
    setText(node.take.text, t('watch.take'));
    if (isTaken && node.take === document.activeElement) node.look.focus();
    node.take.hidden = isTaken;
    node.take.disabled = node.look.disabled = busy.has(alert.alert_id);
    return node;
  }

  build({ alert_id: alertId, watch_list: watchList }) {
    const node = el('li', { class: 'alert', testid: 'alert', 'data-alert-id': alertId });
    node.notice = el('h2');
    node.where = el('p', { class: 'alert-meta' });
    node.when = el('p', { class: 'alert-meta' });
    node.state = el('p');
    node.look = el('button', { type: 'button', class: 'big-button', testid: 'open', onclick: () => tap(this, { type: 'open', alertId }) });
    node.take = el('button', { type: 'button', class: 'big-button big-primary', testid: 'take', onclick: () => tap(this, { type: 'acknowledge', alertId }) },
      glyph('check'), el('span'));
    node.take.text = node.take.lastElementChild;
    node.append(glyph(watchList === 'police' ? 'bell' : 'person', 'alert-mark'),
      el('div', { class: 'alert-text' }, node.notice, node.where, node.when, node.state),
      el('div', { class: 'alert-buttons' }, node.take, node.look));
    return node;
  }
}

customElements.define('yb-alerts', Alerts);
