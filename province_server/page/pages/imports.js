// Customer master data from the bank's systems: a table, checked whole before anything is written; its data quality.
import { get } from '../api.js';
import { el, part } from '../dom.js';
import { number, percent } from '../format.js';
import { counts, jobPage, jobsPage } from '../parts/jobs.js';
import { facts } from '../parts/record.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';

const path = 'imports/customers';

export default async function show(root, { path: [jobId] }) {
  if (jobId) {
    await jobPage(root, { page: 'imports', path, jobId, cancelNeeds: 'cancel_customer_import', more: () => quality(jobId) });
    return;
  }
  jobsPage(root, {
    page: 'imports', path, lead: t('imports.lead'), needs: 'begin_customer_import',
    files: [
      { name: 'table', label: t('imports.table'), kind: 'file', accept: '.csv,.parquet', required: true, hint: t('imports.table_hint') },
      { name: 'mapping', label: t('imports.mapping'), kind: 'file', accept: '.toml', hint: t('imports.mapping_hint') },
    ],
  });
}

async function quality(jobId) {
  if (!may('get_customer_import_quality')) return '';
  const report = await get(`${path}/${jobId}/quality`);
  return el('section', { class: 'card stack', testid: 'quality' }, el('h2', {}, t('imports.quality')),
    facts([
      [t('bulk.rows'), number(report.rows)],
      [t('imports.refused'), `${number(report.refused)} · ${percent(report.refused / Math.max(report.rows, 1))} (${t('imports.at_most', { share: percent(report.max_refused_share) })})`],
      [t('bulk.counts'), counts(report.outcomes)],
    ]),
    part('yb-table', {
      caption: t('imports.quality'), empty: t('imports.no_faults'), load: async () => ({ items: report.fields, next: null }),
      columns: [
        { label: t('bulk.field'), cell: (one) => one.field },
        { label: t('imports.missing'), kind: 'number', cell: (one) => number(one.missing) },
        { label: t('imports.faults'), cell: (one) => Object.entries(one.faults).map(([code, n]) => `${word('row_reason', code)} ${number(n)}`).join(t('list.and')) || '—' },
        { label: t('imports.first_rows'), cell: (one) => one.first_rows.map((row) => number(row)).join(', ') || '—' },
      ],
    }));
}
