// Every page: its name in the address, the operation of the API without which it is of no use, and where its code is.
const page = (name, needs, glyph, load) => ({ name, title: `page.${name}`, needs, glyph, load });

export const SECTIONS = [
  { title: 'section.customers', pages: [
    page('customers', 'list_customers', 'people', () => import('./customers.js')),
    page('enrol', 'enrol_photo', 'enrol', () => import('./enrol.js')),
    page('bulk', 'list_bulk_enrolments', 'stack', () => import('./bulk.js')),
    page('imports', 'list_customer_imports', 'upload', () => import('./imports.js')),
    page('galleries', 'list_galleries', 'gallery', () => import('./galleries.js')),
    page('candidates', 'list_candidates', 'spark', () => import('./candidates.js')),
    page('campaigns', 'list_campaigns', 'flag', () => import('./campaigns.js')),
    page('catalogue', 'list_catalogues', 'tag', () => import('./catalogue.js')),
  ] },
  { title: 'section.places', pages: [
    page('branches', 'change_branch', 'branch', () => import('./branches.js')),
    page('boxes', 'list_boxes', 'box', () => import('./boxes.js')),
    page('cameras', 'list_cameras', 'camera', () => import('./cameras.js')),
    page('assessments', 'list_assessments', 'scale', () => import('./assessments.js')),
  ] },
  { title: 'section.staff', pages: [
    page('staff', 'list_staff', 'badge', () => import('./staff.js')),
    page('rota', 'list_shifts', 'clock', () => import('./rota.js')),
  ] },
  { title: 'section.security', pages: [
    page('police', 'list_police_entries', 'shield', () => import('./police.js')),
    page('overdue', 'list_overdue_entries', 'purse', () => import('./overdue.js')),
  ] },
  { title: 'section.compliance', pages: [
    page('statistics', 'get_statistics', 'chart', () => import('./statistics.js')),
    page('effect', 'get_effect', 'spark', () => import('./effect.js')),
    page('analytics', 'list_desensitised_customers', 'mask', () => import('./analytics.js')),
    page('audit', 'list_audit', 'book', () => import('./audit.js')),
    page('receipts', 'list_receipts', 'receipt', () => import('./receipts.js')),
    page('retention', 'list_retention_limits', 'hourglass', () => import('./retention.js')),
  ] },
];
