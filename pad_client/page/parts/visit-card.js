// The card on the stage: who came and where, identity, what to say and offer, what to do. One element for all visits;
// a new visit slides in anew, a change of the same visit (photo, next camera) is put in place.
import { el, glyph, rebuildOn, setText } from '../../shared/dom.js';
import { ago } from '../../shared/format.js';
import { current, pick, t, word } from '../../shared/strings.js';
import { Actions } from './actions.js';
import { avoidBlock, offerBlock } from './offers.js';
import { Identity } from './identity.js';
import { Portrait } from './portrait.js';
import { tierBadge } from './who.js';

class VisitCard extends HTMLElement {
  connectedCallback() {
    this.empty();
  }

  // Nothing of the last customer stays in the page, not even hidden.
  empty() {
    this.photo = el('figure', { class: 'photo', testid: 'photo' });
    this.surname = el('span', { class: 'surname', testid: 'surname' });
    this.honorific = el('span', { class: 'honorific' });
    this.badges = el('div', { class: 'badges' });
    this.place = el('span', { testid: 'place' });
    this.when = el('span', { class: 'when', testid: 'when' });
    this.assigned = el('p', { class: 'assigned' });
    this.identity = new Identity(this);
    this.portrait = new Portrait(this);
    this.offers = el('div', { class: 'offers' });
    this.avoid = el('div', { class: 'avoid', testid: 'avoid' });
    this.wrong = el('div', { class: 'wrong' });
    this.actions = new Actions(this);
    this.replaceChildren(
      el('div', { class: 'who' },
        this.photo,
        el('div', { class: 'who-text' },
          el('h1', {}, this.surname, this.honorific),
          this.badges,
          el('p', { class: 'where' }, glyph('place'), this.place, this.when),
          this.assigned)),
      this.identity.node,
      this.portrait.node,
      el('div', { class: 'what' }, this.wrong, this.offers, this.avoid),
      this.actions.node,
    );
  }

  show(model, serverNow) {
    this.hidden = model === null;
    if (!model) {
      if (this.dataset.cardId) this.empty();
      delete this.dataset.cardId;
      return;
    }
    const { card, status } = model;
    if (this.dataset.cardId !== card.card_id) this.slideIn(card.card_id);
    this.dataset.seq = model.seq;
    this.dataset.state = status;
    const isWrong = status === 'wrong_person';
    const language = current();
    this.showPhoto(card);
    setText(this.surname, card.surname);
    setText(this.honorific, pick(card, 'honorific'));
    rebuildOn(this.badges, [language, card.tier, card.from_other_city, card.home_branch_zh, card.recognised_by], () => [
      tierBadge(card, 'tier'),
      card.from_other_city && el('span', { class: 'tag tag-brand', testid: 'from' },
        [t('card.other_city'), pick(card, 'home_branch')].filter(Boolean).join(' · ')),
      card.recognised_by === 'province' && el('span', { class: 'tag' }, t('card.by_province')),
    ]);
    const places = [...new Set([card.first.camera_role, card.last.camera_role])];
    setText(this.place, places.map((role) => word('role', role)).join(' → '));
    setText(this.when, ago(card.last.seen_at_ms, serverNow));
    this.assigned.hidden = model.mine;
    setText(this.assigned, t('card.assigned', { staff: card.assigned_to }));
    this.identity.show(model);
    this.dataset.portrait = this.portrait.show(model) ? 'open' : 'closed';
    this.wrong.hidden = !isWrong;
    this.offers.hidden = isWrong;
    rebuildOn(this.wrong, [language], () => [el('h2', {}, t('wrong.title')), el('p', {}, t('wrong.text'))]);
    rebuildOn(this.offers, [language, card.offers, model.refused, card.personalised], () => offerBlock(card, model.refused));
    this.avoid.hidden = isWrong || card.avoid.length === 0;
    rebuildOn(this.avoid, [language, card.avoid], () => avoidBlock(card));
    this.actions.show(model);
  }

  slideIn(cardId) {
    this.dataset.cardId = cardId;
    this.dataset.shownAt = Date.now();
    this.actions.reset();
    this.scrollTop = 0;
    this.classList.remove('slides-in');
    void this.offsetWidth; // restarts the animation
    this.classList.add('slides-in');
  }

  showPhoto(card) {
    rebuildOn(this.photo, [current(), card.card_id, card.photo.length, card.photo.slice(-24)], () => (card.photo
      ? [el('img', { src: `data:image/jpeg;base64,${card.photo}`, alt: t('card.photo'), class: 'photo-picture' })]
      : [glyph('person', 'photo-person'), el('figcaption', {}, t('card.no_photo'))]));
  }
}

customElements.define('yb-card', VisitCard);
