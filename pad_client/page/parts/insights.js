// Insights: what the customer has confirmed is stated, the rest is a question to him, with the evidence for it.
import { el, glyph } from '../../shared/dom.js';
import { pick, t } from '../../shared/strings.js';

// `answers`: fact id -> what he said here a moment ago; `answer(factId, confirmed)` reports it.
export function insightBlock(insights, answers, answer) {
  return [el('h2', {}, glyph('shield'), t('portrait.insights')),
    ...insights.map((one) => el('article', { class: 'insight', testid: 'insight', 'data-fact': one.fact_id, 'data-stated': one.stated },
      el('p', { class: 'insight-text' }, el('span', { class: one.stated ? 'tag tag-brand' : 'tag' },
        t(one.stated ? 'portrait.stated' : 'portrait.question')), pick(one, 'text')),
      el('p', { class: 'evidence' }, t('portrait.evidence'),
        ...one.evidence.map((sign) => el('span', { class: 'sign' }, t('portrait.sign', { kind: pick(sign, 'family'), n: sign.support, day: sign.last_seen }))),
        el('span', {}, t('portrait.until', { day: one.expires_on }))),
      !one.stated && asked(one, answers[one.fact_id], answer)))];
}

function asked({ fact_id: factId }, said, answer) {
  if (said !== undefined) {
    return el('p', { class: 'insight-said', role: 'status', testid: 'insight-said' }, glyph('check'),
      t('act.recorded', { what: t(said ? 'act.insight_confirmed' : 'act.insight_denied') }));
  }
  return el('div', { class: 'insight-buttons' },
    el('button', { type: 'button', class: 'big-button', testid: 'insight-yes', onclick: () => answer(factId, true) }, glyph('check'), t('act.insight_confirmed')),
    el('button', { type: 'button', class: 'big-button', testid: 'insight-no', onclick: () => answer(factId, false) }, glyph('nope'), t('act.insight_denied')));
}
