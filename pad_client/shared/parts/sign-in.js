// Staff id and PIN; shown without a token or with an expired one.
import { el, setText } from '../dom.js';
import { t } from '../strings.js';

class SignIn extends HTMLElement {
  submit = null; // async (staffId, pin) -> problem or undefined; set by the app
  titleKey = 'sign_in.title';
  expiredKey = 'sign_in.expired';
  expired = false;
  busy = false;
  problem = null;

  connectedCallback() {
    this.heading = el('h1');
    this.note = el('p', { class: 'sign-note', testid: 'sign-in-note' });
    this.staffLabel = el('span');
    this.pinLabel = el('span');
    this.staffField = el('input', { name: 'staff_id', autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false', required: true, testid: 'staff-id' });
    this.pinField = el('input', { name: 'pin', type: 'password', inputmode: 'numeric', autocomplete: 'current-password', required: true, testid: 'pin' });
    this.error = el('p', { class: 'sign-error', role: 'alert', testid: 'sign-in-error', hidden: true });
    this.button = el('button', { type: 'submit', class: 'big-button big-primary', testid: 'sign-in' });
    this.append(el('form', { class: 'sign-form', testid: 'sign-in-form', onsubmit: (event) => this.go(event) },
      el('img', { src: 'icon.svg', alt: '', width: 72, height: 72 }),
      this.heading, this.note,
      el('label', {}, this.staffLabel, this.staffField),
      el('label', {}, this.pinLabel, this.pinField),
      this.error, this.button));
  }

  open(expired) {
    this.expired = expired;
    this.problem = null;
    this.show();
    (this.staffField.value ? this.pinField : this.staffField).focus();
  }

  async go(event) {
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    this.show();
    this.problem = await this.submit(this.staffField.value.trim(), this.pinField.value);
    this.busy = false;
    this.pinField.value = '';
    if (!this.problem) this.expired = false;
    this.show();
  }

  show() {
    setText(this.heading, t(this.titleKey));
    setText(this.note, t(this.expiredKey));
    this.note.hidden = !this.expired;
    setText(this.staffLabel, t('sign_in.staff'));
    setText(this.pinLabel, t('sign_in.pin'));
    setText(this.button, t(this.busy ? 'sign_in.busy' : 'sign_in.submit'));
    this.button.disabled = this.busy;
    this.error.hidden = !this.problem;
    if (this.problem) {
      const id = this.problem.error_id ? ` ${t('error.id', { id: this.problem.error_id })}` : '';
      setText(this.error, (this.problem.detail ?? t('error.unreachable')) + id);
    }
  }
}

customElements.define('yb-sign-in', SignIn);
