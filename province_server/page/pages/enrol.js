// Enrolment in four steps on one page: customer, consent, photo, done.
import '../parts/photo.js';
import '../parts/form.js';
import { call, get } from '../api.js';
import { el, glyph, part, place } from '../dom.js';
import { grant, NEEDED, noticeFields, PURPOSES } from '../parts/consent.js';
import { panel } from '../parts/dialog.js';
import { duplicate } from '../parts/duplicate.js';
import { heading } from '../parts/listing.js';
import { branches } from '../parts/names.js';
import { problemBox, say } from '../parts/notice.js';
import { photoForm } from '../parts/photo.js';
import { brief, recordFields, register } from '../parts/record.js';
import { address, go } from '../router.js';
import { t, word } from '../strings.js';

const GALLERIES = ['vip', 'potential'];

const step = (number, title, state, ...content) => el('section', { class: `card step step-${state}`, 'aria-current': state === 'now' && 'step', testid: `step-${number}` },
  el('h2', {}, el('span', { class: 'step-number', 'aria-hidden': 'true' }, state === 'done' ? glyph('check') : number), title), ...content);

export default async function show(root, { path }) {
  const names = await branches();
  const customer = path.length ? await get(`customers/${encodeURIComponent(path[0])}`) : null;
  const missing = customer ? NEEDED.filter((purpose) => !customer.consents.includes(purpose)) : NEEDED;
  const now = customer === null ? 1 : missing.length ? 2 : 3;
  const state = (number) => (number < now ? 'done' : number === now ? 'now' : 'later');
  place(root,
    heading({ title: t('page.enrol'), lead: t('enrol.lead') }),
    step(1, t('enrol.customer'), state(1), customer ? chosen(customer, names) : choose(names)),
    step(2, t('enrol.consent'), state(2), now === 2 ? consent(customer, missing, () => redo(root, path)) : now > 2 && given(customer)),
    now === 3 ? photo(customer, names) : step(3, t('enrol.photo'), 'later'));
}

async function redo(root, path) {
  root.replaceChildren();
  await show(root, { path });
}

function choose(names) {
  const field = el('input', { class: 'input', type: 'search', name: 'customer_id', required: true, 'aria-label': t('customers.search'), placeholder: t('customers.search'), testid: 'search', autocomplete: 'off', 'aria-keyshortcuts': 'Alt+S' });
  const create = () => panel({
    title: t('customers.add'), label: t('customers.add'), fields: recordFields(names),
    send: async (values) => { go('enrol', await register(values)); },
  });
  return el('div', { class: 'bar' },
    el('form', { class: 'search', role: 'search', onsubmit: (event) => { event.preventDefault(); go('enrol', field.value.trim()); } }, field, el('button', { type: 'submit', class: 'button button-primary' }, t('enrol.choose'))),
    el('span', { class: 'quiet' }, t('enrol.or')),
    el('button', { type: 'button', class: 'button', testid: 'new-customer', onclick: create }, t('customers.add')));
}

const chosen = (customer, names) => el('div', { class: 'bar step-chosen' }, brief(customer, names), el('a', { class: 'button button-small', href: address('enrol') }, t('enrol.other')));

const given = (customer) => el('div', { class: 'tags' }, customer.consents.map((purpose) => el('span', { class: 'tag tag-good' }, word('purpose', purpose))));

function consent(customer, missing, done) {
  const left = PURPOSES.filter((purpose) => !customer.consents.includes(purpose));
  const options = left.map((purpose) => [purpose, word('purpose', purpose), word('purpose_text', purpose)]);
  return part('yb-form', {
    label: t('enrol.record_consent'),
    fields: [{ name: 'purposes', label: t('enrol.purposes'), kind: 'choices', options, value: [], hint: t('enrol.purposes_hint', { needed: missing.map((purpose) => word('purpose', purpose)).join(t('list.and')) }) },
      ...noticeFields(customer.record.guardian !== null)],
    send: async ({ purposes, ...notice }) => {
      await grant(customer.record.customer_id, purposes, notice);
      await done();
    },
  });
}

function photo(customer, names) {
  let blob = null;
  const outcome = el('div', { class: 'stack', testid: 'outcome' });
  const gallery = el('select', { class: 'input', id: 'gallery', testid: 'gallery', disabled: customer.gallery !== null }, GALLERIES.map((one) => el('option', { value: one, selected: one === (customer.gallery ?? (customer.record.tier === 'potential' ? 'potential' : 'vip')) }, word('gallery', one))));
  const button = el('button', { type: 'button', class: 'button button-primary', testid: 'enrol-photo', disabled: true, onclick: () => send(customer, gallery.value) }, t('enrol.submit'));
  const picker = part('yb-photo', { chosen: (given) => { blob = given; button.disabled = !given; outcome.replaceChildren(); } });

  async function send(to, into) {
    button.disabled = true;
    outcome.replaceChildren();
    try {
      const made = await call('POST', `customers/${encodeURIComponent(to.record.customer_id)}/photos`, { form: photoForm(blob, { gallery: into }) });
      outcome.replaceChildren(success(to, made));
      say(t('enrol.done'));
    } catch (problem) {
      if (problem.code === 'possible_duplicate') {
        await compare(to, into, problem.body.customer_ids[0]);
        return;
      }
      button.disabled = false;
      outcome.replaceChildren(problemBox(problem));
    }
  }

  async function compare(to, into, otherId) {
    const box = await duplicate({
      photo: blob, mine: to, otherId, branches: names,
      same: (other) => send(other, other.gallery), different: () => send(to, into),
    });
    outcome.replaceChildren(box);
    box.focus();
  }

  const success = (to, { warnings }) => el('div', { class: 'stack' },
    el('div', { class: 'good-box', testid: 'enrolled' }, glyph('check'), el('p', {}, t('enrol.done_text', { name: to.record.full_name, id: to.record.customer_id }))),
    warnings.map((warning) => el('p', { class: 'hint-box', lang: 'en' }, warning)),
    el('div', { class: 'bar' },
      el('a', { class: 'button', href: address('customers', to.record.customer_id) }, t('enrol.open')),
      el('button', { type: 'button', class: 'button', testid: 'another', onclick: () => picker.reset() }, t('enrol.another')),
      el('a', { class: 'button', href: address('enrol') }, t('enrol.next'))));

  return step(3, t('enrol.photo'), 'now', picker,
    el('div', { class: 'bar enrol-actions' }, el('div', { class: 'field' }, el('label', { class: 'field-label', for: 'gallery' }, t('customer.gallery')), gallery), button), outcome);
}
