// Retention: how long each kind of record is kept, what is due, what the job deleted.
import { get, patch } from '../api.js';
import { el, part, place } from '../dom.js';
import { dateTime, number } from '../format.js';
import { panel } from '../parts/dialog.js';
import { heading } from '../parts/listing.js';
import { say, tag } from '../parts/notice.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import '../parts/table.js';

const total = ({ gone }) => Object.values(gone).reduce((sum, count) => sum + count, 0);

export default async function show(root) {
  const due = may('retention_due') ? await get('retention/due') : { gone: {} };
  const change = async (limit) => {
    const done = await panel({
      title: word('kind', limit.kind), text: t('retention.change_text', { n: limit.default_days }), label: t('action.save'),
      fields: [{ name: 'days', label: t('retention.days'), kind: 'number', required: true, min: limit.least_days, max: 3650, value: limit.days }],
      send: async (values) => { await patch(`retention/${limit.kind}`, values); },
    });
    if (!done) return;
    limits.refresh();
    say(t('retention.changed'));
  };
  const limits = part('yb-table', {
    caption: t('page.retention'), empty: '', load: async () => ({ items: (await get('retention')).items, next: null }),
    columns: [
      { label: t('retention.kind'), cell: (one) => word('kind', one.kind) },
      { label: t('retention.days'), kind: 'number', cell: (one) => number(one.days) },
      { label: t('retention.default'), kind: 'number', cell: (one) => number(one.default_days) },
      { label: t('retention.by'), cell: (one) => (one.changed_by ? `${one.changed_by} · ${dateTime(one.changed_at_ms)}` : '—') },
      { label: t('retention.due'), kind: 'number', cell: (one) => (due.gone[one.kind] ? tag(number(due.gone[one.kind]), 'warn') : '0') },
      ...(may('change_retention_limit') ? [{ label: '', kind: 'actions', cell: (one) => el('button', { type: 'button', class: 'button button-small', onclick: () => change(one) }, t('action.change')) }] : []),
    ],
  });
  place(root, heading({ title: t('page.retention'), lead: t('retention.lead') }), limits);
  if (!may('list_retention_runs')) return;
  place(root, heading({ title: t('retention.runs'), level: 2 }), part('yb-table', {
    caption: t('retention.runs'), empty: t('retention.no_runs'), load: (page) => get('retention/runs', page),
    columns: [
      { label: t('receipts.when'), kind: 'time', cell: (one) => dateTime(one.at_ms) },
      { label: t('retention.gone'), cell: (one) => (total(one) ? Object.entries(one.gone).filter(([, count]) => count).map(([kind, count]) => `${word('kind', kind)} ${number(count)}`).join(t('list.and')) : t('retention.nothing')) },
    ],
  }));
}
