// The bar under the thumb: take it, greeted, interested or not, wrong person; every report can be undone for five seconds,
// in which one more tap may say why something was declined.
import { el, glyph, rebuildOn, setText } from '../../shared/dom.js';
import { current, pick, t } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';

const REASONS = ['no_need', 'have_elsewhere', 'price', 'too_complex', 'later', 'other'];

export class Actions {
  constructor(host) {
    this.host = host;
    this.take = this.button('acknowledge', 'big-take', 'bell', () => this.tell('acknowledge'));
    this.greeted = this.button('greeted', 'big-primary', 'check', () => this.report('greeted'));
    this.wrong = this.button('wrong-person', 'big-danger', 'wrong', () => this.report('wrong_person'));
    this.yes = this.button('interested', '', 'check', () => this.ask('accepted'));
    this.nope = this.button('not-interested', '', 'nope', () => this.ask('not_interested'));
    this.buttons = el('div', { class: 'buttons' }, this.take, this.greeted, this.yes, this.nope, this.wrong);
    this.recorded = el('span', { role: 'status' });
    this.undoButton = el('button', { type: 'button', class: 'big-button', testid: 'undo', onclick: () => this.tell('undo', { outcomeId: this.undoId }) });
    this.reasons = el('div', { class: 'reasons', role: 'group', testid: 'reasons', hidden: true });
    this.undo = el('div', { class: 'undo', hidden: true }, this.recorded, this.reasons, this.undoButton);
    this.dialog = el('dialog', { class: 'ask', testid: 'ask', onclick: (event) => event.target === this.dialog && this.dialog.close() });
    this.node = el('footer', { class: 'actions' }, this.buttons, this.undo, this.dialog);
  }

  button(testid, className, mark, onclick) {
    const text = el('span');
    const button = el('button', { type: 'button', class: `big-button ${className}`, testid, onclick }, glyph(mark), text);
    button.text = text;
    return button;
  }

  ask(kind) {
    this.asked = kind;
    this.draw();
    this.dialog.showModal();
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
    setText(this.yes.text, t('act.accepted'));
    setText(this.nope.text, t('act.not_interested'));
    this.take.hidden = status !== 'open' || verified;
    this.greeted.setAttribute('aria-pressed', String(status === 'greeted'));
    this.wrong.setAttribute('aria-pressed', String(status === 'wrong_person'));
    const over = status === 'wrong_person' || status === 'closed';
    this.greeted.disabled = over || status === 'greeted';
    this.wrong.disabled = over;
    this.nope.disabled = over || card.offers.length === 0 || refused.includes('');
    this.yes.disabled = this.nope.disabled;
    this.buttons.hidden = undo !== null;
    this.undo.hidden = undo === null;
    if (undo) {
      setText(this.recorded, t('act.recorded', { what: t(`act.${undo.kind}`) }));
      setText(this.undoButton, `${t('act.undo')} ${undo.seconds}`);
    }
    this.reasons.hidden = undo?.kind !== 'not_interested';
    rebuildOn(this.reasons, [current(), undo?.id], () => this.why());
    for (const one of this.reasons.children) one.setAttribute('aria-pressed', String(undo?.reason === one.dataset.reason));
    this.model = model;
    this.draw();
  }

  draw() {
    const { card, refused } = this.model;
    rebuildOn(this.dialog, [current(), card.card_id, card.offers, refused, this.asked], () => this.choices(card, refused));
  }

  why() {
    this.reasons.setAttribute('aria-label', t('reason.title'));
    return REASONS.map((reason) => el('button', { type: 'button', class: 'reason', testid: 'reason', 'data-reason': reason,
      onclick: () => this.tell('reason', { outcomeId: this.undoId, reason }) }, t(`reason.${reason}`)));
  }

  choices(card, refused) {
    const open = card.offers.slice(0, 3).filter((one) => !refused.includes(one.product));
    const kind = this.asked ?? 'not_interested';
    return [el('h2', {}, t(kind === 'accepted' ? 'ask.accepted' : 'ask.title')),
      ...open.map((one) => el('button', { type: 'button', class: 'big-button', testid: 'ask-product', 'data-product': one.product,
        onclick: () => this.report(kind, one.product) }, pick(one, 'name'))),
      kind === 'not_interested' && el('button', { type: 'button', class: 'big-button big-danger', testid: 'ask-all', onclick: () => this.report('not_interested') }, t('ask.all')),
      el('button', { type: 'button', class: 'plain-button', onclick: () => this.reset() }, t('ask.cancel'))];
  }
}
