// The portrait, on one page: what changed since the last visit, what to ask, what he holds, what happened, tags by group.
// It is there only while it is shown: hidden, nothing of it stays in the page.
import { el, glyph, rebuildOn } from '../../shared/dom.js';
import { yuan } from '../../shared/format.js';
import { current, pick, t } from '../../shared/strings.js';
import { tap } from '../../shared/parts/tap.js';
import { holdingsBlock } from './holdings.js';
import { insightBlock } from './insights.js';
import { tagBlock } from './tags.js';

const TELL_AGAIN_MS = 5000;

export class Portrait {
  constructor(host) {
    this.host = host;
    this.toldAt = 0;
    const looking = () => this.looking();
    this.node = el('section', { class: 'portrait', testid: 'portrait', tabindex: '0', hidden: true,
      onpointerdown: looking, onkeydown: looking, onscroll: looking });
  }

  // Returns whether it is shown.
  show(model) {
    const { card, portrait, status, verified, moneyShown, answers, refused } = model;
    const shown = Boolean(verified && moneyShown && portrait?.available && hasContent(portrait) && status !== 'wrong_person');
    this.node.hidden = !shown;
    if (!shown) {
      this.node.replaceChildren();
      this.node.shownKey = undefined;
      return false;
    }
    this.node.setAttribute('aria-label', t('portrait.title'));
    rebuildOn(this.node, [current(), card.card_id, portrait, card.offers, refused], () => this.page(card, portrait, refused));
    rebuildOn(this.insights, [current(), portrait.insights, answers], () => insightBlock(portrait.insights, answers,
      (factId, confirmed) => tap(this.host, { type: 'insight', cardId: card.card_id, factId, confirmed })));
    return true;
  }

  page(card, portrait, refused) {
    this.insights = el('section', { class: 'block block-insights', hidden: portrait.insights.length === 0 });
    return [
      this.offer(card, refused),
      el('div', { class: 'portrait-columns' },
        el('div', { class: 'portrait-column' }, changesBlock(portrait), this.insights, timelineBlock(portrait)),
        el('div', { class: 'portrait-column' }, holdingsBlock(portrait.holdings), moneyBlock(portrait.lines))),
      tagBlock(portrait.groups),
    ];
  }

  // What to offer stays in sight; a tap leads back to it.
  offer(card, refused) {
    const main = card.offers.find((one) => !refused.includes('') && !refused.includes(one.product));
    return main && el('button', { type: 'button', class: 'portrait-offer', testid: 'back-to-offers',
      onclick: () => tap(this.host, { type: 'money', shown: false }) },
    el('span', { class: 'offer-label' }, t('offer.main')), el('b', {}, pick(main, 'name')), el('span', { class: 'portrait-back' }, t('portrait.offers')));
  }

  looking() {
    if (Date.now() - this.toldAt < TELL_AGAIN_MS) return;
    this.toldAt = Date.now();
    tap(this.host, { type: 'looking' });
  }
}

export const hasContent = ({ lines, groups, holdings, timeline, insights }) => [lines, groups, holdings, timeline, insights].some((part) => part.length > 0);

function changesBlock({ since, changes, groups }) {
  if (groups.length === 0) return null;
  const title = since ? t('portrait.since', { day: since }) : t('portrait.first');
  return el('section', { class: 'block block-changes', testid: 'changes' }, el('h2', {}, glyph('bell'), title),
    since && changes.length === 0 && el('p', { class: 'quiet' }, t('portrait.unchanged')),
    changes.length > 0 && el('ul', { class: 'changes' }, ...changes.map((one) => el('li', { 'data-kind': one.kind },
      el('span', { class: 'change-name' }, pick(one, 'name')),
      el('span', { class: 'change-values' }, ...changeValues(one))))));
}

function changeValues(one) {
  if (one.kind === 'new') return [el('span', { class: 'tag tag-brand' }, t('portrait.new')), el('b', {}, pick(one, 'now'))];
  if (one.kind === 'gone') return [el('span', { class: 'tag' }, t('portrait.gone')), el('s', {}, pick(one, 'before'))];
  return [el('span', { class: 'change-before' }, pick(one, 'before')), el('span', { class: 'arrow', 'aria-hidden': 'true' }, '→'),
    el('b', {}, pick(one, 'now'))];
}

function timelineBlock({ timeline }) {
  return timeline.length > 0 && el('section', { class: 'block', testid: 'timeline' }, el('h2', {}, t('portrait.timeline')),
    el('ol', { class: 'timeline' }, ...timeline.map((one) => el('li', {}, el('time', { datetime: one.day }, one.day), el('span', {}, pick({ said_zh: one.zh, said_en: one.en }, 'said'))))));
}

function moneyBlock(lines) {
  return lines.length > 0 && el('section', { class: 'block' }, el('h2', {}, t('money.title')),
    el('dl', { class: 'money', testid: 'money', 'aria-label': t('money.title') }, ...lines.map((line) => el('div', {},
      el('dt', {}, pick(line, 'label')),
      el('dd', {}, yuan(line.amount_fen)),
      el('dd', { class: 'money-source' }, t('money.source', line))))));
}
