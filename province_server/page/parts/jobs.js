// Jobs that run in the background on a file: begin one, follow it, see its rows, take its report.
import { call, get, post, saveAs } from '../api.js';
import { el, part, place } from '../dom.js';
import { dateTime, number } from '../format.js';
import { address, go } from '../router.js';
import { may } from '../session.js';
import { t, word } from '../strings.js';
import { confirm } from './dialog.js';
import { heading, id, short } from './listing.js';
import { say, tag } from './notice.js';
import './form.js';
import './table.js';

const EVERY_MS = 1000;
const TONES = { running: 'warn', done: 'good', cancelled: 'plain', failed: 'bad', interrupted: 'bad' };
const named = (outcome, dry) => word('row', dry && outcome === 'enrolled' ? 'would_enrol' : outcome); // a dry run enrols nobody
export const counts = (by, dry = false) => Object.entries(by).map(([outcome, n]) => `${named(outcome, dry)} ${number(n)}`).join(t('list.and')) || '—';
const state = (job) => tag(`${word('job', job.state)}${job.dry_run ? ` · ${t('bulk.dry')}` : ''}`, TONES[job.state]);

const tries = () => [
  { name: 'dry_run', label: t('bulk.dry_run'), kind: 'checkbox', value: true },
  { name: 'resume', label: t('bulk.resume'), kind: 'checkbox' },
];

// page: name in the address; path: of the API; files: fields whose values are sent as files.
export function jobsPage(root, { page, path, lead, files, needs }) {
  const begin = part('yb-form', {
    label: t('bulk.begin'), fields: [...files, ...tries()],
    send: async ({ dry_run: dry, resume, ...given }) => {
      const form = new FormData();
      for (const [name, file] of Object.entries(given)) if (file) form.append(name, file);
      go(page, (await call('POST', path, { form, query: { dry_run: dry, resume } })).job_id);
    },
  });
  place(root,
    heading({ title: t(`page.${page}`), lead }),
    may(needs) ? el('section', { class: 'card' }, el('h2', {}, t('bulk.new')), begin) : null,
    part('yb-table', {
      caption: t('bulk.jobs'), empty: t('bulk.empty'), load: (each) => get(path, each),
      columns: [
        { label: t('bulk.job'), cell: (job) => el('a', { href: address(page, job.job_id) }, short(job.job_id)) },
        { label: t('receipts.when'), kind: 'time', cell: (job) => dateTime(job.created_at_ms) },
        { label: t('table.state'), cell: state },
        { label: t('bulk.rows'), kind: 'number', cell: (job) => `${number(job.done)} / ${number(job.total)}` },
        { label: t('bulk.counts'), cell: (job) => counts(job.counts, job.dry_run) },
      ],
    }));
}

// more(): what else is shown of a job once it has ended.
export async function jobPage(root, { page, path, jobId, cancelNeeds, more = async () => '' }) {
  let job = await get(`${path}/${jobId}`);
  const head = el('section', { class: 'card stack', testid: 'job' });
  const below = el('div', { class: 'stack' });
  const rows = part('yb-table', {
    caption: t('bulk.rows'), empty: t('bulk.no_rows'), load: ({ after, limit }) => get(`${path}/${jobId}/rows`, { after: after || 0, limit }),
    columns: [
      { label: t('bulk.row'), kind: 'number', cell: (row) => number(row.row) },
      { label: t('customer.id'), cell: (row) => id(row.customer_id) },
      { label: t('bulk.outcome'), cell: (row) => named(row.outcome, job.dry_run) },
      { label: t('bulk.field'), cell: (row) => row.field || '—' },
      { label: t('bulk.code'), cell: (row) => (row.code ? word('row_reason', row.code) : '—') },
    ],
  });
  const report = async () => saveAs(await (await call('GET', `${path}/${jobId}/report`, { raw: true })).blob(), `report-${jobId}.csv`);
  const cancel = () => confirm({ title: t('bulk.cancel_title'), text: t('bulk.cancel_text'), label: t('bulk.cancel'), danger: true, run: () => post(`${path}/${jobId}/cancel`) });
  const draw = () => head.replaceChildren(
    el('div', { class: 'card-head' }, el('h2', {}, t('bulk.progress')), state(job)),
    el('progress', { class: 'progress', max: Math.max(job.total, 1), value: job.done, 'aria-label': t('bulk.progress') }),
    el('p', {}, `${number(job.done)} / ${number(job.total)} · ${counts(job.counts, job.dry_run)}`),
    job.problem ? el('p', { class: 'problem' }, job.problem) : '',
    el('div', { class: 'bar' },
      el('button', { type: 'button', class: 'button', testid: 'report', onclick: report }, t('bulk.report')),
      may(cancelNeeds) && job.state === 'running' ? el('button', { type: 'button', class: 'button button-quiet-danger', onclick: cancel }, t('bulk.cancel')) : ''));
  const ended = async () => below.replaceChildren(await more());
  draw();
  place(root, el('nav', { class: 'crumbs', 'aria-label': t(`page.${page}`) }, el('a', { href: address(page) }, t(`page.${page}`))), heading({ title: t('bulk.job') }), head, below, rows);
  const follow = async () => {
    if (!head.isConnected) return;
    try {
      job = await get(`${path}/${jobId}`, {}, { quiet: true });
      draw();
    } catch (problem) {
      if (problem.status !== 0) throw problem; // the line is down: the job goes on, so do we
    }
    if (job.state === 'running') {
      setTimeout(follow, EVERY_MS);
      return;
    }
    rows.refresh();
    say(word('job', job.state));
    await ended();
  };
  if (job.state === 'running') setTimeout(follow, EVERY_MS);
  else await ended();
}
