// One's own password.
import { put } from '../api.js';
import { panel } from './dialog.js';
import { say } from './notice.js';
import { renew } from '../session.js';
import { t } from '../strings.js';

export async function changePassword() {
  const field = (name, autocomplete) => ({ name, label: t(`account.${name}`), kind: 'password', required: true, max: 256, autocomplete });
  const done = await panel({
    title: t('account.title'), text: t('account.text'), label: t('action.save'),
    fields: [field('password', 'current-password'), { ...field('new_password', 'new-password'), min: 12, hint: t('staff.password_hint') }],
    send: async (values) => { renew(await put('me/password', values)); },
  });
  if (done) say(t('account.changed'));
}
