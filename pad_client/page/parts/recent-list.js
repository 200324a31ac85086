// The other cards: mine first, colleagues' smaller, older ones grey. A tap brings one onto the stage.
import { el, glyph, rebuildOn, setText } from '../../shared/dom.js';
import { ago } from '../../shared/format.js';
import { current, t, word } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';
import { calledBy, tierBadge } from './who.js';

class Recent extends HTMLElement {
  connectedCallback() {
    this.setAttribute('role', 'complementary');
    this.titles = [el('h2'), el('h2')];
    this.lists = [el('ul', { class: 'rows' }), el('ul', { class: 'rows rows-small' })];
    this.groups = this.lists.map((list, i) => el('section', { class: 'recent-group' }, this.titles[i], list));
    this.append(...this.groups);
    this.rows = new Map();
  }

  show({ mine, others, serverNow }) {
    setText(this.titles[0], t('recent.mine'));
    setText(this.titles[1], t('recent.others'));
    this.groups[1].hidden = others.length === 0;
    this.fill(this.lists[0], mine, serverNow);
    this.fill(this.lists[1], others, serverNow);
    this.hidden = mine.length + others.length === 0;
    const kept = new Set([...mine, ...others].map((row) => row.card.card_id));
    for (const id of this.rows.keys()) if (!kept.has(id)) this.rows.delete(id);
  }

  fill(list, rows, serverNow) {
    const nodes = rows.map((row) => this.row(row, serverNow));
    if (nodes.length !== list.children.length || nodes.some((node, i) => node !== list.children[i])) list.replaceChildren(...nodes);
  }

  row(row, serverNow) {
    const { card } = row;
    let node = this.rows.get(card.card_id);
    if (!node) {
      node = el('li');
      node.button = el('button', { type: 'button', class: 'row', testid: 'card-row', 'data-card-id': card.card_id,
        'data-shown-at': Date.now(), onclick: () => tap(this, { type: 'select', cardId: card.card_id }) });
      node.button.picture = el('span', { class: 'row-photo' });
      node.button.called = el('span', { class: 'row-name' });
      node.button.meta = el('span', { class: 'row-meta' });
      node.button.end = el('span', { class: 'row-end' });
      node.button.append(node.button.picture, el('span', { class: 'row-text' }, node.button.called, node.button.meta), node.button.end);
      node.append(node.button);
      this.rows.set(card.card_id, node);
    }
    const { button } = node;
    button.dataset.seq = row.seq;
    button.classList.toggle('row-faded', row.faded);
    button.classList.toggle('row-new', row.unseen);
    button.setAttribute('aria-current', String(row.selected));
    rebuildOn(button.picture, [card.photo.length, card.photo.slice(-24)], () => [card.photo
      ? el('img', { src: `data:image/jpeg;base64,${card.photo}`, alt: '' }) : glyph('person')]);
    rebuildOn(button.called, [current(), card.surname, card.tier], () => [el('b', {}, calledBy(card)), tierBadge(card)]);
    setText(button.meta, `${word('role', card.last.camera_role)} · ${ago(card.last.seen_at_ms, serverNow)}`);
    rebuildOn(button.end, [current(), row.status, row.unseen], () => [ending(row)]);
    return node;
  }
}

function ending({ status, unseen }) {
  if (status === 'wrong_person') return el('span', { class: 'tag' }, t('act.wrong_person'));
  if (status === 'greeted') return el('span', { class: 'tag' }, t('act.greeted'));
  if (status === 'closed') return el('span', { class: 'tag' }, t('card.closed'));
  if (unseen) return el('span', { class: 'tag tag-new' }, t('recent.new'));
  return status === 'open' ? null : el('span', { class: 'tag tag-brand' }, t('card.taken'));
}

customElements.define('yb-recent', Recent);
