// Small pieces about the person, shared by card and list.
import { el } from '../../shared/dom.js';
import { current, pick, word } from '../../shared/strings.js';

export function tierBadge(card, testid) {
  return el('span', { class: 'tier', 'data-tier': card.tier, testid }, word('tier', card.tier));
}

// 陈先生 / Mr 陈
export function calledBy(card) {
  return current() === 'zh' ? card.surname + pick(card, 'honorific') : `${pick(card, 'honorific')} ${card.surname}`;
}
