// A form from a list of fields: {name, label, kind, required, hint, more: {label, text}, value, options, min, max, pattern, placeholder, shown(values)}.
// Kinds: text, password, number, date, datetime, textarea, select, checkbox, file, choices (several of `options`).
import { el, freshId, place } from '../dom.js';
import { t } from '../strings.js';
import { problemBox } from './notice.js';

const LOOK_MS = 350;
const TYPES = { text: 'text', password: 'password', number: 'number', date: 'date', datetime: 'datetime-local', file: 'file' };

function control(field, id) {
  const shared = { id, name: field.name, required: field.required, testid: `field-${field.name}`, 'aria-describedby': field.hint ? `${id}-hint ${id}-fault` : `${id}-fault` };
  if (field.kind === 'textarea') return el('textarea', { ...shared, class: 'input', rows: field.rows ?? 3, maxlength: field.max }, field.value ?? '');
  if (field.kind === 'checkbox') return el('input', { ...shared, type: 'checkbox', checked: field.value });
  if (field.kind === 'select') {
    return el('select', { ...shared, class: 'input' },
      (!field.required || field.value === undefined) && el('option', { value: '' }, field.none ?? t('form.choose')),
      field.options.map(([value, label]) => el('option', { value, selected: value === field.value }, label)));
  }
  return el('input', {
    ...shared, class: 'input', type: TYPES[field.kind ?? 'text'], value: field.value, pattern: field.pattern, placeholder: field.placeholder, accept: field.accept, autocomplete: field.autocomplete ?? (field.kind === 'password' ? 'new-password' : 'off'),
    ...(field.kind === 'number' ? { min: field.min, max: field.max, step: field.step ?? 1 } : { minlength: field.min, maxlength: field.max }),
  });
}

function choices(field) {
  return el('fieldset', { class: 'field choices', testid: `field-${field.name}` },
    el('legend', { class: 'field-label' }, field.label),
    field.options.map(([value, label, hint]) => el('label', { class: 'choice' },
      el('input', { type: 'checkbox', name: field.name, value, checked: (field.value ?? []).includes(value) }),
      el('span', {}, label, hint && el('small', {}, hint)))),
    field.hint && el('small', { class: 'field-hint' }, field.hint));
}

class Form extends HTMLElement {
  fields = [];
  label = '';
  send = async () => {};
  cancel = null;
  watch = null; // async (values) -> Map of field name -> what is wrong with it, while somebody types

  connectedCallback() {
    if (this.form) return;
    this.failed = el('div');
    this.submit = el('button', { type: 'submit', class: 'button button-primary', testid: 'submit' }, this.label);
    this.rows = new Map(this.fields.map((field) => [field, this.row(field)]));
    this.form = el('form', { class: 'form', onsubmit: (event) => this.go(event), oninput: () => { this.fit(); this.look(); } },
      [...this.rows.values()], this.failed,
      el('div', { class: 'dialog-actions' },
        this.cancel && el('button', { type: 'button', class: 'button', testid: 'cancel', onclick: this.cancel }, t('dialog.cancel')),
        this.submit));
    this.append(this.form);
    this.fit();
  }

  look() {
    if (!this.watch) return;
    clearTimeout(this.waiting);
    const mine = this.turn = (this.turn ?? 0) + 1;
    this.waiting = setTimeout(async () => {
      const wrong = await this.watch(this.values()).catch(() => null); // sending says what went wrong
      if (wrong && mine === this.turn) this.blame(wrong);
    }, LOOK_MS);
  }

  // Says at each field what is wrong with it; whether any field is.
  blame(wrong) {
    for (const [field, row] of this.rows) {
      const box = row.querySelector('.field-fault');
      if (!box) continue;
      box.replaceChildren();
      place(box, wrong.get(field.name));
      row.querySelector('input, select, textarea').setAttribute('aria-invalid', String(wrong.has(field.name)));
    }
    return wrong.size > 0;
  }

  row(field) {
    if (field.kind === 'choices') return choices(field);
    const id = freshId();
    const input = control(field, id);
    const hint = field.hint && el('small', { class: 'field-hint', id: `${id}-hint` }, field.hint);
    const more = field.more && el('details', { class: 'field-hint' }, el('summary', {}, field.more.label), field.more.text);
    const fault = el('small', { class: 'field-fault', id: `${id}-fault`, role: 'status', testid: `fault-${field.name}` });
    if (field.kind === 'checkbox') return el('div', { class: 'field' }, el('label', { class: 'choice', for: id }, input, el('span', {}, field.label)), hint, fault);
    const label = el('label', { class: 'field-label', for: id }, field.label, field.required && el('span', { class: 'must', 'aria-hidden': 'true' }, ' *'));
    return el('div', { class: 'field' }, label, input, hint, more, fault);
  }

  // Fields that depend on others are hidden, and then neither required nor sent.
  fit() {
    const values = this.values();
    for (const [field, row] of this.rows) {
      const shown = field.shown?.(values) ?? true;
      row.hidden = !shown;
      for (const input of row.querySelectorAll('input, select, textarea')) input.disabled = !shown;
    }
  }

  values() {
    const given = {};
    for (const field of this.fields) {
      const inputs = [...this.form.elements].filter((input) => input.name === field.name && !input.disabled);
      if (!inputs.length) continue;
      if (field.kind === 'choices') given[field.name] = inputs.filter((input) => input.checked).map((input) => input.value);
      else if (field.kind === 'checkbox') given[field.name] = inputs[0].checked;
      else if (field.kind === 'file') given[field.name] = inputs[0].files[0];
      else if (inputs[0].value.trim() !== '') given[field.name] = field.kind === 'number' ? Number(inputs[0].value) : inputs[0].value.trim();
    }
    return given;
  }

  async go(event) {
    event.preventDefault();
    if (this.submit.disabled) return;
    this.failed.replaceChildren();
    this.submit.disabled = true;
    try {
      await this.send(this.values());
    } catch (problem) {
      this.failed.replaceChildren(problemBox(problem));
    }
    this.submit.disabled = false;
  }
}

customElements.define('yb-form', Form);
