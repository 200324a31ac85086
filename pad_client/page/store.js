// What the tablet knows. Pure: events in, state changed, effects out; no socket, no DOM, no clock (`now` comes with the event).
// Effects: {do: 'send', message} | {do: 'ring', cardId} | {do: 'keep_outbox'} | {do: 'keep_rung'} | {do: 'restart'} | {do: 'sign_in', expired}

export const UNDO_MS = 5000;
export const HIDE_MS = 180_000; // a portrait nobody touches any more is hidden
const RESEND_MS = 15_000;
const KEEP_CARDS = 60;
const KEEP_RUNG = 300;
const KEEP_NOTICES = 3;
const PASSING = new Set(['unavailable', 'storage_full', 'internal']); // refusals that trying again may cure

export function fresh({ outbox = [], rung = [] } = {}) {
  return {
    me: null, line: 'connecting', heardAt: 0, offset: 0, degraded: false,
    lastSeq: 0, cards: new Map(), portraits: new Map(), verified: new Set(), rung: new Set(rung),
    asked: new Map(), // card id -> Set of 'acknowledge' | 'confirm_identity' the city has not answered yet
    outbox, sent: new Map(), reported: new Map(), // reported: card id -> [{outcome_id, kind, product}]
    selected: null, held: false, moneyShown: false, lookedAt: 0, unseen: new Set(), notices: [],
  };
}

export function apply(state, event) {
  return handlers[event.type](state, event);
}

const handlers = {
  opened(state, { token }) {
    return [send({ type: 'hello', token, last_seq: state.lastSeq })];
  },
  lost(state) {
    state.line = 'down';
    state.sent.clear();
    return [];
  },
  message(state, { message, now }) {
    state.heardAt = now;
    return messages[message.type]?.(state, message, now) ?? [];
  },
  tick(state, { now }) {
    if (state.moneyShown && now - state.lookedAt > HIDE_MS) state.moneyShown = false;
    return state.line === 'up' ? deliver(state, now) : [];
  },
  select(state, { cardId }) {
    state.selected = cardId;
    state.held = cardId !== null;
    state.moneyShown = false;
    state.unseen.delete(cardId);
    return [];
  },
  acknowledge: (state, { cardId }) => ask(state, 'acknowledge', cardId),
  confirm(state, { cardId, now }) {
    state.moneyShown = true;
    state.lookedAt = now;
    state.portraits.delete(cardId);
    return ask(state, 'confirm_identity', cardId);
  },
  money(state, { shown, now }) {
    state.moneyShown = shown;
    state.lookedAt = now;
    return [];
  },
  looking(state, { now }) {
    state.lookedAt = now;
    return [];
  },
  insight(state, { outcomeId, cardId, factId, confirmed, now }) { // what the customer said of a question
    state.lookedAt = now;
    return report(state, { outcome_id: outcomeId, card_id: cardId, kind: confirmed ? 'insight_confirmed' : 'insight_denied',
      fact_id: factId, confirmed, staff_id: state.me.staff_id, not_before_ms: now + UNDO_MS });
  },
  outcome(state, { outcomeId, cardId, kind, product = '', now }) {
    const item = { outcome_id: outcomeId, card_id: cardId, kind, product, staff_id: state.me.staff_id, not_before_ms: now + UNDO_MS };
    const effects = report(state, item);
    if (!['not_interested', 'accepted'].includes(kind)) state.held = false;
    if (kind === 'wrong_person') forgetMoney(state, cardId);
    return effects;
  },
  undo(state, { outcomeId, now }) {
    const item = state.outbox.find((one) => one.outcome_id === outcomeId);
    if (!item || item.not_before_ms <= now) return [];
    takeBack(state, item);
    return [{ do: 'keep_outbox' }];
  },
  reason(state, { outcomeId, reason, now }) { // why it was declined: said while it can still be undone
    const item = state.outbox.find((one) => one.outcome_id === outcomeId);
    if (!item || item.not_before_ms <= now) return [];
    item.reason = reason;
    return [{ do: 'keep_outbox' }];
  },
  dismiss(state, { notice }) {
    state.notices = state.notices.filter((one) => one !== notice);
    return [];
  },
  signed_out(state) {
    forget(state);
    return [];
  },
};

const messages = {
  welcome(state, message, now) {
    const otherPerson = state.me !== null && state.me.staff_id !== message.staff_id;
    if (otherPerson || message.head_seq < state.lastSeq) { // or another life of the city: what we hold is not its state
      forget(state);
      return [{ do: 'restart' }];
    }
    state.me = message;
    state.line = 'up';
    state.offset = message.server_time_ms - now;
    const again = [...state.asked].flatMap(([cardId, kinds]) => [...kinds].map((type) => send({ type, card_id: cardId })));
    return [...again, ...deliver(state, now)];
  },
  card(state, { seq, ring, card }, now) {
    const effects = [send({ type: 'received', seq })];
    state.lastSeq = Math.max(state.lastSeq, seq);
    const held = state.cards.get(card.card_id);
    if (held && held.seq >= seq) return effects;
    if (card.state === 'withdrawn') {
      dropCard(state, card.card_id);
      return [...effects, { do: 'keep_outbox' }];
    }
    state.cards.set(card.card_id, { seq, card, shownAt: held?.shownAt ?? now });
    if (card.state === 'confirmed') state.verified.add(card.card_id);
    if (card.state === 'closed') forgetMoney(state, card.card_id);
    if (card.state !== 'open') answered(state, card.card_id, 'acknowledge');
    if (ring && !state.rung.has(card.card_id)) {
      state.rung = new Set([...state.rung, card.card_id].slice(-KEEP_RUNG));
      state.unseen.add(card.card_id);
      effects.push({ do: 'keep_rung' }, { do: 'ring', cardId: card.card_id });
      focus(state, card.card_id);
    } else if (state.selected === null && isMine(state, card) && !isDone(state, card)) {
      focus(state, card.card_id);
    }
    trim(state);
    return effects;
  },
  portrait(state, message) {
    answered(state, message.card_id, 'confirm_identity');
    state.portraits.set(message.card_id, message);
    state.verified.add(message.card_id);
    return [];
  },
  outcome_stored(state, { outcome_id: id }) {
    dropOutcome(state, id);
    return [{ do: 'keep_outbox' }];
  },
  beat(state, message, now) {
    state.degraded = message.degraded;
    state.offset = message.server_time_ms - now;
    return deliver(state, now);
  },
  refused(state, { code, message, error_id, about = '' }) {
    if (code === 'not_authenticated') {
      forget(state);
      return [{ do: 'sign_in', expired: true }];
    }
    state.notices = [...state.notices, { message, error_id }].slice(-KEEP_NOTICES);
    if (!about || PASSING.has(code)) return [];
    state.asked.delete(about);
    const answer = state.outbox.find((one) => one.outcome_id === about && one.fact_id);
    if (answer) takeBack(state, answer); // it may be asked again
    else dropOutcome(state, about);
    return [{ do: 'keep_outbox' }];
  },
};

const send = (message) => ({ do: 'send', message });

function ask(state, type, cardId) {
  state.asked.set(cardId, new Set([...(state.asked.get(cardId) ?? []), type]));
  state.held = true;
  return state.line === 'up' ? [send({ type, card_id: cardId })] : [];
}

function answered(state, cardId, type) {
  const kinds = state.asked.get(cardId);
  kinds?.delete(type);
  if (kinds?.size === 0) state.asked.delete(cardId);
}

// Outcomes past their undo time, of the person signed in, not sent on this connection or unanswered for long.
function deliver(state, now) {
  const due = state.outbox.filter((item) => item.staff_id === state.me.staff_id && item.not_before_ms <= now
    && now - (state.sent.get(item.outcome_id) ?? -RESEND_MS) >= RESEND_MS);
  return due.map((item) => {
    state.sent.set(item.outcome_id, now);
    return send(spoken(item));
  });
}

function spoken({ outcome_id, card_id, kind, product, reason = '', fact_id, confirmed }) {
  if (fact_id) return { type: 'answer_insight', answer_id: outcome_id, card_id, fact_id, confirmed };
  return { type: 'outcome', outcome_id, card_id, kind, product, reason };
}

function report(state, item) {
  state.outbox.push(item);
  state.reported.set(item.card_id, [...(state.reported.get(item.card_id) ?? []), item]);
  return [{ do: 'keep_outbox' }];
}

function takeBack(state, item) {
  dropOutcome(state, item.outcome_id);
  state.reported.set(item.card_id, (state.reported.get(item.card_id) ?? []).filter((one) => one.outcome_id !== item.outcome_id));
}

function dropOutcome(state, id) {
  state.outbox = state.outbox.filter((item) => item.outcome_id !== id);
  state.sent.delete(id);
}

// A new card takes the stage unless the manager is busy with another customer.
function focus(state, cardId) {
  if (state.held && state.selected !== cardId) return;
  state.selected = cardId;
  state.moneyShown = false;
  state.unseen.delete(cardId);
}

function forgetMoney(state, cardId) {
  state.portraits.delete(cardId);
  if (state.selected === cardId) state.moneyShown = false;
}

function forget(state) {
  Object.assign(state, { me: null, lastSeq: 0, selected: null, held: false, moneyShown: false, notices: [] });
  for (const held of [state.cards, state.portraits, state.verified, state.asked, state.sent, state.reported, state.unseen]) held.clear();
}

// The customer withdrew: nothing of him stays, and nothing more is said about him.
function dropCard(state, cardId) {
  for (const held of [state.cards, state.portraits, state.verified, state.asked, state.reported, state.unseen]) held.delete(cardId);
  for (const item of state.outbox.filter((one) => one.card_id === cardId)) dropOutcome(state, item.outcome_id);
  if (state.selected === cardId) Object.assign(state, { selected: null, held: false, moneyShown: false });
}

function trim(state) {
  const oldest = [...state.cards.values()].sort((a, b) => a.card.alerted_at_ms - b.card.alerted_at_ms);
  for (const { card } of oldest.slice(0, Math.max(0, oldest.length - KEEP_CARDS))) {
    if (card.card_id === state.selected) continue;
    for (const held of [state.cards, state.portraits, state.verified, state.reported, state.unseen]) held.delete(card.card_id);
  }
}

export const isMine = (state, card) => card.assigned_to === '' || card.assigned_to === state.me?.staff_id;

export function statusOf(state, card) {
  const kinds = (state.reported.get(card.card_id) ?? []).map((item) => item.kind);
  if (kinds.includes('wrong_person') || card.state === 'wrong_person') return 'wrong_person';
  if (kinds.includes('greeted')) return 'greeted';
  if (card.state === 'open' && state.asked.get(card.card_id)?.has('acknowledge')) return 'acknowledged';
  return card.state;
}

const isDone = (state, card) => ['greeted', 'wrong_person', 'closed'].includes(statusOf(state, card));
