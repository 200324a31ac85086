// The bar under the thumb: take it, greeted, wrong person, not interested; every report can be undone for five seconds.
import { el, glyph, rebuildOn, setText } from '../../shared/dom.js';
import { current, pick, t } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';

export class Actions {
  constructor(host) {
    this.host = host;
    this.take = this.button('acknowledge', 'big-take', 'bell', () => this.tell('acknowledge'));
    this.greeted = this.button('greeted', 'big-primary', 'check', () => this.report('greeted'));
    this.wrong = this.button('wrong-person', 'big-danger', 'wrong', () => this.report('wrong_person'));
    this.nope = this.button('not-interested', '', 'nope', () => this.dialog.showModal());
    this.buttons = el('div', { class: 'buttons' }, this.take, this.greeted, this.nope, this.wrong);
    this.recorded = el('span', { role: 'status' });
    this.undoButton = el('button', { type: 'button', class: 'big-button', testid: 'undo', onclick: () => this.tell('undo', { outcomeId: this.undoId }) });
    this.undo = el('div', { class: 'undo', hidden: true }, this.recorded, this.undoButton);
    this.dialog = el('dialog', { class: 'ask', testid: 'ask', onclick: (event) => event.target === this.dialog && this.dialog.close() });
    this.node = el('footer', { class: 'actions' }, this.buttons, this.undo, this.dialog);
  }

  button(testid, className, mark, onclick) {
    const text = el('span');
    const button = el('button', { type: 'button', class: `big-button ${className}`, testid, onclick }, glyph(mark), text);
    button.text = text;
    return button;
  }

  reset() {
    if (this.dialog.open) this.dialog.close();
  }

  tell(type, more = {}) {
    tap(this.host, { type, cardId: this.cardId, ...more });
  }

  report(kind, product = '') {
    this.reset();
    this.tell('outcome', { kind, product });
  }

  show(model) {
    const { card, status, verified, undo, refused } = model;
    this.cardId = card.card_id;
    this.undoId = undo?.id;
    setText(this.take.text, t('card.take'));
    setText(this.greeted.text, t('act.greeted'));
    setText(this.wrong.text, t('act.wrong_person'));
    setText(this.nope.text, t('act.not_interested'));
    this.take.hidden = status !== 'open' || verified;
    this.greeted.setAttribute('aria-pressed', String(status === 'greeted'));
    this.wrong.setAttribute('aria-pressed', String(status === 'wrong_person'));
    const over = status === 'wrong_person' || status === 'closed';
    this.greeted.disabled = over || status === 'greeted';
    this.wrong.disabled = over;
    this.nope.disabled = over || card.offers.length === 0 || refused.includes('');
    this.buttons.hidden = undo !== null;
    this.undo.hidden = undo === null;
    if (undo) {
      setText(this.recorded, t('act.recorded', { what: t(`act.${undo.kind}`) }));
      setText(this.undoButton, `${t('act.undo')} ${undo.seconds}`);
    }
    rebuildOn(this.dialog, [current(), card.card_id, card.offers, refused], () => this.choices(card, refused));
  }

  choices(card, refused) {
    const open = card.offers.slice(0, 3).filter((one) => !refused.includes(one.product));
    return [el('h2', {}, t('ask.title')),
      ...open.map((one) => el('button', { type: 'button', class: 'big-button', testid: 'ask-product', 'data-product': one.product,
        onclick: () => this.report('not_interested', one.product) }, pick(one, 'name'))),
      el('button', { type: 'button', class: 'big-button big-danger', testid: 'ask-all', onclick: () => this.report('not_interested') }, t('ask.all')),
      el('button', { type: 'button', class: 'plain-button', onclick: () => this.reset() }, t('ask.cancel'))];
  }
}
