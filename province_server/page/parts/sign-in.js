// Staff id and password.
import { el, freshId } from '../dom.js';
import { signIn } from '../session.js';
import { t } from '../strings.js';
import { problemBox } from './notice.js';

class SignIn extends HTMLElement {
  note = null;
  entered = () => {};

  connectedCallback() {
    const [staffId, passwordId] = [freshId(), freshId()];
    this.staff = el('input', { id: staffId, class: 'input', name: 'staff_id', autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false', required: true, testid: 'staff-id' });
    this.password = el('input', { id: passwordId, class: 'input', name: 'password', type: 'password', autocomplete: 'current-password', required: true, testid: 'password' });
    this.failed = el('div');
    this.button = el('button', { type: 'submit', class: 'button button-primary button-wide', testid: 'sign-in' }, t('sign_in.submit'));
    this.replaceChildren(el('form', { class: 'sign-form', onsubmit: (event) => this.go(event) },
      el('img', { src: new URL('../icon.svg', import.meta.url).pathname, alt: '', width: 56, height: 56 }),
      el('h1', {}, t('sign_in.title')),
      el('p', { class: 'sign-lead' }, t('sign_in.lead')),
      this.note && el('p', { class: 'sign-note', role: 'status', testid: 'sign-in-note' }, this.note),
      el('div', { class: 'field' }, el('label', { class: 'field-label', for: staffId }, t('sign_in.staff')), this.staff),
      el('div', { class: 'field' }, el('label', { class: 'field-label', for: passwordId }, t('sign_in.password')), this.password),
      this.failed, this.button,
      el('p', { class: 'sign-foot' }, t('sign_in.foot'))));
    this.staff.focus();
  }

  async go(event) {
    event.preventDefault();
    this.button.disabled = true;
    this.failed.replaceChildren();
    try {
      await signIn(this.staff.value.trim(), this.password.value);
      this.entered();
    } catch (problem) {
      this.password.value = '';
      this.failed.replaceChildren(problemBox(problem));
    }
    this.button.disabled = false;
  }
}

customElements.define('yb-sign-in', SignIn);
