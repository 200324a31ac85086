// Wires the parts: feed -> store -> components, and taps back the same way.
import '../shared/parts/top-bar.js';
import '../shared/parts/notices.js';
import '../shared/parts/sign-in.js';
import './parts/alert-list.js';
import './parts/alert-detail.js';
import * as city from './city.js';
import * as sound from '../shared/sound.js';
import * as strings from '../shared/strings.js';
import { el, glyph, setText } from '../shared/dom.js';
import { pick, t } from '../shared/strings.js';
import { Feed } from './feed.js';
import { apply, fresh, rings } from './store.js';

const state = fresh();

const feed = new Feed({
  news: (list) => happen({ type: 'news', list }),
  lost: () => happen({ type: 'lost' }),
  refused: () => leave(true),
});

const effects = {
  ring: () => sound.alarm(),
  announce: ({ alert }) => setText(spoken, pick(alert, 'notice')),
  open: ({ alertId }) => carryOut(alertId, city.open, (detail) => ({ type: 'opened', detail })),
  acknowledge: ({ alertId }) => carryOut(alertId, city.acknowledge, () => ({ type: 'acknowledged', alertId })),
};

function happen(event) {
  for (const effect of apply(state, { now: Date.now(), ...event })) effects[effect.do](effect);
  render();
}

async function carryOut(alertId, call, done) {
  const asker = city.token();
  const { body, problem } = await call(alertId);
  if (city.token() !== asker) return; // signed out meanwhile
  if (body) happen(done(body));
  else if (problem.status === 401 || problem.status === 403) leave(true);
  else happen({ type: 'failed', alertId, notice: problem.status ? problem : { ...problem, message: t('watch.not_sent') } });
}

const bar = el('yb-top-bar');
const notices = el('yb-notices');
const list = el('yb-alerts');
const detail = el('yb-alert-detail');
const waitTitle = el('h1');
const waitText = el('p');
const wait = el('section', { class: 'wait', testid: 'waiting' }, glyph('shield', 'wait-mark'), waitTitle, waitText);
const desk = el('main', { class: 'desk', hidden: true }, list, wait);
const door = el('yb-sign-in', { hidden: true });
const spoken = el('div', { class: 'spoken', role: 'status', 'aria-live': 'assertive' });
Object.assign(door, { titleKey: 'watch.sign_in', expiredKey: 'watch.expired' });

function render() {
  const security = state.reader?.role === 'security';
  const serverNow = Date.now() + state.offset;
  document.documentElement.lang = strings.current() === 'zh' ? 'zh-CN' : 'en';
  document.title = rings(state) ? `● ${t('watch.look')}` : t('watch.title');
  document.body.classList.toggle('ringing', rings(state));
  const { reader: me, line, heardAt, notices: wrong } = state;
  bar.show({ me, line, queued: 0 });
  notices.show({ me, line, heardAt, degraded: false, notices: wrong }, { soundReady: sound.ready() || !security });
  list.show(state, serverNow);
  detail.show(state);
  wait.hidden = state.alerts.length > 0;
  setText(waitTitle, t(state.heardAt ? 'watch.nothing' : 'watch.unknown'));
  setText(waitText, me ? t(security ? 'watch.wait_security' : 'watch.wait_manager') : '');
  if (state.alerts.length === 0) setText(spoken, '');
  door.show();
}

function enter() {
  desk.hidden = false;
  door.hidden = true;
  feed.start();
  render();
}

function leave(expired) {
  city.forgetToken();
  feed.stop();
  happen({ type: 'signed_out' });
  desk.hidden = true;
  door.hidden = false;
  door.open(expired);
}

document.addEventListener('yb-tap', ({ detail: tapped }) => {
  if (tapped.type === 'language') {
    strings.choose(tapped.language);
    render();
  } else if (tapped.type === 'sign_out') {
    leave(false);
  } else {
    happen(tapped);
  }
});

door.submit = async (staffId, pin) => {
  const problem = await city.signIn(staffId, pin);
  if (!problem) enter();
  return problem;
};

// Not on pointerdown: the hint about sound goes, everything moves up, and the tap would end beside its button.
for (const touch of ['click', 'keydown']) {
  document.addEventListener(touch, () => {
    happen({ type: 'touch' });
    sound.unlock().then(render);
  }, { passive: true });
}

await strings.load();
document.body.append(bar, notices, desk, detail, door, spoken);
sound.unlock().then(render); // where the browser allows sound without a touch, a reload goes on ringing
if (city.token()) enter();
else leave(false);
setInterval(() => happen({ type: 'tick' }), 500);
if ('serviceWorker' in navigator) navigator.serviceWorker.register(new URL('sw.js', import.meta.url)).catch(() => {});
