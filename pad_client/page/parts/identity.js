// "Please verify": a person looks before a name is used or money is shown; then the way to the portrait.
import { el, glyph, rebuildOn } from '../../shared/dom.js';
import { current, t } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';
import { hasContent } from './portrait.js';

export class Identity {
  constructor(host) {
    this.host = host;
    this.node = el('section', { class: 'identity', 'aria-live': 'polite' });
    this.cardId = '';
  }

  show(model) {
    const { card, status, verified, confirming, lineUp, portrait, moneyShown } = model;
    this.cardId = card.card_id;
    this.node.hidden = status === 'wrong_person';
    this.node.dataset.verified = verified;
    rebuildOn(this.node, [current(), card.card_id, verified, confirming, lineUp, moneyShown, portrait], () => {
      if (confirming) return [this.banner(t('verify.title'), t(lineUp ? 'verify.waiting' : 'verify.offline'))];
      if (!verified) return [this.banner(t('verify.title'), t('verify.text')), this.confirmButton(t('verify.confirm'), 'identity-button')];
      if (!portrait) return [this.banner(t('verify.done')), this.confirmButton(t('money.show'), 'plain-button')];
      return this.money(portrait, moneyShown);
    });
  }

  banner(title, text = '') {
    return el('div', { class: 'identity-banner' }, glyph('shield'), el('div', {}, el('strong', {}, title), text && el('span', {}, text)));
  }

  confirmButton(label, className) {
    return el('button', { type: 'button', class: className, testid: 'confirm-identity',
      onclick: () => tap(this.host, { type: 'confirm', cardId: this.cardId }) }, label);
  }

  money(portrait, shown) {
    const head = [this.banner(t('verify.done')), el('button', { type: 'button', class: 'plain-button', testid: 'money-toggle',
      'aria-expanded': String(shown), onclick: () => tap(this.host, { type: 'money', shown: !shown }) }, t(shown ? 'money.hide' : 'money.show'))];
    if (!shown) return head;
    if (!portrait.available) {
      return [this.banner(t('verify.done')), this.confirmButton(t('money.retry'), 'plain-button'),
        el('p', { class: 'money', testid: 'money' }, t('money.unavailable'))];
    }
    return hasContent(portrait) ? head : [...head, el('p', { class: 'money', testid: 'money' }, t('money.empty'))];
  }
}
