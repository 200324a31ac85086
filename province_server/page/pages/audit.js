// The audit trail for the auditor: what was done, by whom, to what; and whether the chain is whole.
import { get } from '../api.js';
import { el, part, place } from '../dom.js';
import { dateTime, endOfDay, number } from '../format.js';
import { inform } from '../parts/dialog.js';
import { heading, id } from '../parts/listing.js';
import { tag } from '../parts/notice.js';
import { facts } from '../parts/record.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import '../parts/form.js';
import '../parts/table.js';

const DAY_MS = 86_400_000;
const TONES = { done: 'good', refused: 'warn', failed: 'bad' };
const actor = (one) => el('span', {}, id(one.actor_id), el('small', { class: 'quiet' }, ` ${one.role ? word('role', one.role) : word('actor', one.actor_kind)}`));
const object = (one) => (one.object_kind ? el('span', {}, `${word('object', one.object_kind)} `, one.object_id && id(one.object_id)) : '—');

export default async function show(root) {
  let sought = {};
  const table = part('yb-table', {
    caption: t('page.audit'), empty: t('audit.empty'), load: (page) => get('audit', { ...sought, ...page }),
    columns: [
      { label: t('audit.seq'), kind: 'number', cell: (one) => number(one.seq) },
      { label: t('receipts.when'), kind: 'time', cell: (one) => dateTime(one.at_ms) },
      { label: t('audit.actor'), cell: actor },
      { label: t('audit.action'), kind: 'code', cell: (one) => one.action },
      { label: t('audit.object'), cell: object },
      { label: t('audit.outcome'), cell: (one) => tag(word('outcome', one.outcome), TONES[one.outcome]) },
      { label: '', kind: 'actions', cell: (one) => el('button', { type: 'button', class: 'button button-small', testid: 'audit-details', onclick: () => details(one) }, t('audit.details')) },
    ],
  });
  const search = part('yb-form', {
    label: t('audit.search'),
    fields: [
      { name: 'actor_id', label: t('audit.actor'), max: 64 }, { name: 'action', label: t('audit.action'), max: 64 }, { name: 'object_id', label: t('audit.object'), max: 64 },
      { name: 'since', label: t('audit.since'), kind: 'date' }, { name: 'until', label: t('audit.until'), kind: 'date' },
    ],
    send: async ({ since, until, ...rest }) => {
      sought = { ...rest, since_ms: since && endOfDay(since) + 1 - DAY_MS, until_ms: until && endOfDay(until) + 1 };
      await table.refresh();
    },
  });
  search.classList.add('form-row');
  place(root, heading({ title: t('page.audit'), lead: t('audit.lead') }), chain(), el('section', { class: 'card' }, search), table);
}

function details(one) {
  inform(t('audit.record', { seq: one.seq }), facts([
    [t('receipts.when'), dateTime(one.at_ms)], [t('audit.actor'), actor(one)], [t('audit.action'), one.action], [t('audit.object'), object(one)],
    [t('audit.outcome'), word('outcome', one.outcome)], [t('audit.request'), id(one.request_id)],
    ...Object.entries(one.details).map(([name, value]) => [name, String(value)]),
    [t('audit.hash'), el('code', { class: 'hash' }, one.hash)], [t('audit.before'), el('code', { class: 'hash' }, one.prev_hash)],
  ]));
}

// Asks again until the whole chain is checked; each answer is a piece further.
function chain() {
  const said = el('div', { role: 'status', testid: 'chain' }, el('p', { class: 'quiet' }, t('audit.unverified')));
  const verify = async () => {
    button.disabled = true;
    let status = await get('audit/verify', { restart: true });
    for (;;) {
      said.replaceChildren(shown(status));
      if (status.complete || status.fault || !said.isConnected) break;
      status = await get('audit/verify', {}, { quiet: true });
    }
    button.disabled = false;
  };
  const button = el('button', { type: 'button', class: 'button', testid: 'verify', onclick: verify }, t('audit.verify'));
  return el('section', { class: 'card' }, el('div', { class: 'card-head' }, el('h2', {}, t('audit.chain')), may('verify_audit') && button), said);
}

// A chain that lost something to a restored backup is never shown as whole.
const whole = (status) => status.complete && !status.acknowledged.length;

const shown = (status) => el('div', { class: 'stack' },
  status.fault
    ? el('p', { class: 'problem' }, t('audit.fault', { seq: status.fault_seq, fault: status.fault }))
    : el('p', { class: whole(status) ? 'good-box' : 'hint-box' }, t(!status.complete ? 'audit.checking' : whole(status) ? 'audit.whole' : 'audit.rest', { n: number(status.checked_up_to), of: number(status.records) })),
  ...status.acknowledged.map((gap) => el('p', { class: 'hint-box' }, t('audit.gap', { gap }))),
  facts([[t('audit.anchored'), number(status.anchored_up_to)],
    ...status.anchors.map((anchor) => [anchor.writer, el('span', {}, `${number(anchor.seq)} · ${anchor.received_at_ms ? dateTime(anchor.received_at_ms) : '—'} `, anchor.late && tag(t('audit.late'), 'warn'))])]));
