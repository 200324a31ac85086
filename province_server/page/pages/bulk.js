// Bulk enrolment: a list and a zip of photos; dry run first; progress, rows, report.
import { jobPage, jobsPage } from '../parts/jobs.js';
import { t } from '../strings.js';

const path = 'bulk/jobs';

export default async function show(root, { path: [jobId] }) {
  if (jobId) {
    await jobPage(root, { page: 'bulk', path, jobId, cancelNeeds: 'cancel_bulk_enrolment' });
    return;
  }
  jobsPage(root, {
    page: 'bulk', path, lead: t('bulk.lead'), needs: 'begin_bulk_enrolment',
    files: [
      { name: 'list', label: t('bulk.list'), kind: 'file', accept: '.csv,.parquet', required: true, hint: t('bulk.list_hint') },
      { name: 'photos', label: t('bulk.photos'), kind: 'file', accept: '.zip', required: true, hint: t('bulk.photos_hint') },
    ],
  });
}
