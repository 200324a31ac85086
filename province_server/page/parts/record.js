// A customer's record: the form that makes one, and the facts of one as people read them.
import { post } from '../api.js';
import { el } from '../dom.js';
import { date, number, yuan } from '../format.js';
import { t, word } from '../strings.js';
import { id } from './listing.js';
import { tag } from './notice.js';

const TIERS = ['vip_diamond', 'vip_platinum', 'vip_gold', 'potential'];
const GENDERS = ['unknown', 'female', 'male'];
const GUARDIAN_AGE = 14; // yingbin.offers.customer
const DAY_MS = 86_400_000;

const today = () => new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10); // China's day

function isMinor({ birth_date: born }) {
  if (!born) return false;
  const [year, ...rest] = born.split('-');
  return `${Number(year) + GUARDIAN_AGE}-${rest.join('-')}` > today();
}

// record: the one to change; its number stays.
export function recordFields(branches, record = {}) {
  const guardian = (name) => ({ name: `guardian_${name}`, label: t(`guardian.${name}`), required: true, max: 120, value: record.guardian?.[name], shown: isMinor });
  return [
    !record.customer_id && { name: 'customer_id', label: t('customer.id'), required: true, max: 64, hint: t('customer.id_hint') },
    { name: 'full_name', label: t('customer.full_name'), required: true, max: 80, value: record.full_name },
    { name: 'gender', label: t('customer.gender'), kind: 'select', required: true, value: record.gender ?? 'unknown', options: GENDERS.map((one) => [one, word('gender', one)]) },
    { name: 'birth_date', label: t('customer.birth_date'), kind: 'date', required: true, value: record.birth_date },
    guardian('full_name'), guardian('relation'), guardian('evidence'),
    { name: 'tier', label: t('customer.tier'), kind: 'select', required: true, value: record.tier, options: TIERS.map((one) => [one, word('tier', one)]) },
    { name: 'home_branch_id', label: t('customer.home_branch'), kind: 'select', required: true, value: record.home_branch_id, options: branches.options },
    { name: 'rm_staff_id', label: t('customer.rm'), max: 64, hint: t('customer.rm_hint'), value: record.rm_staff_id },
    { name: 'opted_out_of_automated_decisions', label: t('customer.opted_out'), kind: 'checkbox', value: record.opted_out_of_automated_decisions },
  ].filter(Boolean);
}

// What the form gave as the API takes it. Amounts come from the bank's systems, not from whoever enrols.
export function asRecord(values, before = { profile: { as_of: today() } }) {
  const { guardian_full_name: name, guardian_relation: relation, guardian_evidence: evidence, ...given } = values;
  const guardian = name ? { full_name: name, relation, evidence } : null;
  return { ...before, rm_staff_id: '', ...given, guardian };
}

// Sends a new record; returns the customer's id.
export const register = async (values) => (await post('customers', asRecord(values))).customer_id;

export const tierTag = (tier) => tag(word('tier', tier), 'gold');

export function facts(pairs) {
  return el('dl', { class: 'facts' }, pairs.filter(Boolean).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value ?? '—')]));
}

// What tells one customer from another while he is being enrolled.
export const brief = ({ record, gallery, templates }, branches) => facts([
  [t('customer.id'), id(record.customer_id)],
  [t('customer.full_name'), record.full_name],
  [t('customer.birth_date'), record.birth_date],
  [t('customer.home_branch'), branches.name(record.home_branch_id)],
  [t('customer.tier'), tierTag(record.tier)],
  [t('customer.gallery'), gallery ? `${word('gallery', gallery)} · ${t('customer.templates')} ${number(templates)}` : t('customer.not_enrolled')],
]);

export function identity({ record, created_at_ms: since, gallery, templates }, branches) {
  return facts([
    [t('customer.id'), id(record.customer_id)],
    [t('customer.full_name'), record.full_name],
    [t('customer.gender'), word('gender', record.gender)],
    [t('customer.birth_date'), record.birth_date],
    [t('customer.tier'), tierTag(record.tier)],
    [t('customer.home_branch'), branches.name(record.home_branch_id)],
    [t('customer.rm'), record.rm_staff_id || '—'],
    record.guardian && [t('guardian.title'), `${record.guardian.full_name} · ${record.guardian.relation}`],
    [t('customer.automated'), t(record.opted_out_of_automated_decisions ? 'customer.automated_off' : 'customer.automated_on')],
    [t('customer.gallery'), gallery ? word('gallery', gallery) : t('customer.not_enrolled')],
    [t('customer.templates'), number(templates)],
    [t('customer.since'), date(since)],
  ]);
}

// The bank's own figures, folded away: nobody needs them to enrol.
export function figures({ profile }) {
  const amounts = Object.entries(profile).filter(([name, value]) => name.endsWith('_fen') && value);
  const risk = profile.risk_assessment;
  return el('details', { class: 'stack' }, el('summary', {}, t('customer.figures', { date: profile.as_of })), facts([
    ...amounts.map(([name, value]) => [word('figure', name), yuan(value)]),
    risk && [t('customer.risk'), `${word('risk', risk.level)} · ${t('customer.until', { date: date(Date.parse(risk.valid_until) + DAY_MS / 2) })}`],
    profile.holdings.length > 0 && [t('customer.holdings'), profile.holdings.map((one) => word('holding', one)).join(t('list.and'))],
  ]));
}
