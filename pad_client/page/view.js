// From what the tablet knows to what it shows. Pure.
import { isMine, statusOf } from './store.js';

const FADES_MS = 30 * 60 * 1000; // a visit closes half an hour after the last sighting

export function view(state, now) {
  const entries = [...state.cards.values()].sort((a, b) => b.card.alerted_at_ms - a.card.alerted_at_ms);
  const serverNow = now + state.offset;
  const rows = entries.map((entry) => row(state, entry, serverNow));
  return {
    me: state.me,
    line: state.line,
    heardAt: state.heardAt,
    degraded: state.degraded && state.line === 'up',
    queued: state.outbox.filter((item) => item.not_before_ms <= now).length,
    notices: state.notices,
    serverNow,
    mine: rows.filter((one) => one.mine),
    others: rows.filter((one) => !one.mine),
    featured: featured(state, now, serverNow),
  };
}

function row(state, { seq, card, shownAt }, serverNow) {
  const status = statusOf(state, card);
  return {
    card, seq, shownAt, status,
    mine: isMine(state, card),
    selected: state.selected === card.card_id,
    unseen: state.unseen.has(card.card_id),
    faded: ['greeted', 'wrong_person', 'closed'].includes(status) || serverNow - card.last.seen_at_ms > FADES_MS,
  };
}

function featured(state, now, serverNow) {
  const entry = state.cards.get(state.selected);
  if (!entry) return null;
  const { card } = entry;
  const reported = state.reported.get(card.card_id) ?? [];
  const dismissals = reported.filter((item) => item.kind === 'not_interested').map((item) => item.product);
  const undo = state.outbox.findLast((item) => item.card_id === card.card_id && item.not_before_ms > now);
  return {
    ...row(state, entry, serverNow),
    verified: state.verified.has(card.card_id),
    confirming: state.asked.get(card.card_id)?.has('confirm_identity') ?? false,
    lineUp: state.line === 'up',
    portrait: state.portraits.get(card.card_id) ?? null,
    moneyShown: state.moneyShown,
    answers: Object.fromEntries(reported.filter((item) => item.fact_id).map((item) => [item.fact_id, item.confirmed])),
    refused: [...card.refused_products, ...dismissals],
    undo: undo ? { id: undo.outcome_id, kind: undo.kind, reason: undo.reason ?? '', seconds: Math.ceil((undo.not_before_ms - now) / 1000) } : null,
  };
}
