// One main suggestion and its alternates, each with one reason and one sentence to say; and what not to offer.
import { el, glyph } from '../../shared/dom.js';
import { pick, t } from '../../shared/strings.js';

// What the customer has refused steps down; the next suggestion takes its place.
export function offerBlock(card, refused) {
  if (card.offers.length === 0) return [el('p', { class: 'offer-none' }, t('offer.none'))];
  const isRefused = (one) => refused.includes('') || refused.includes(one.product);
  const shown = card.offers.slice(0, 3);
  const [main, ...others] = shown.filter((one) => !isRefused(one));
  return [
    card.personalised ? null : el('p', { class: 'offer-note', testid: 'not-personalised' }, t('card.not_personalised')),
    main && offer(main, 'offer-main', t('offer.main')),
    others.length > 0 && el('div', { class: 'offer-alts' }, ...others.map((other) => offer(other, 'offer-alt', t('offer.alt')))),
    ...shown.filter(isRefused).map((one) => el('p', { class: 'offer-refused', testid: 'offer-refused', 'data-product': one.product },
      pick(one, 'name'), el('span', { class: 'tag' }, t('offer.refused')))),
  ];
}

function offer(one, kind, label) {
  return el('article', { class: `offer ${kind}`, testid: kind, 'data-product': one.product },
    el('header', {},
      el('span', { class: 'offer-label' }, label,
        one.confidence && el('span', { class: 'offer-sure', testid: 'offer-confidence' }, t(`offer.confidence_${one.confidence}`))),
      el('h2', {}, pick(one, 'name'))),
    el('p', { class: 'offer-reason' }, el('span', { class: 'offer-key' }, t('offer.reason')), pick(one, 'reason')),
    pick(one, 'talking_point') && el('p', { class: 'offer-say', 'aria-label': t('offer.say') }, pick(one, 'talking_point')));
}

export function avoidBlock(card) {
  return [
    el('h2', {}, glyph('nope'), t('avoid.title')),
    el('ul', {}, ...card.avoid.map((one) => el('li', {}, pick(one, 'text')))),
  ];
}
