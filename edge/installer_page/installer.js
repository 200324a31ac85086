// The installer's page: type the printed code, choose a camera, see boxes with face heights and whether it will do.
const LANGUAGES = ['zh', 'en'];
const EVERY_MS = 500;
const NEAR_PX = 60;
const SVG = 'http://www.w3.org/2000/svg';
const texts = {};
let language = 'zh';
let draw = door;

const t = (key, values = {}) =>
  (texts[language][key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

// Data only ever becomes text, never markup.
function el(tag, props = {}, ...children) {
  const node = tag === 'svg' || props.svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === 'svg') continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function page(...content) {
  const other = language === 'zh' ? 'en' : 'zh';
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = t('install.title');
  const turn = async () => { language = other; await draw(); };
  document.body.replaceChildren(
    el('header', {}, el('h1', {}, t('install.title')), el('button', { onclick: turn, lang: other }, { zh: '中文', en: 'English' }[other])),
    ...content,
  );
}

async function ask(path, options = {}) {
  const reply = await fetch(new URL(`../v1/installer/${path}`, import.meta.url), options);
  if (reply.status === 401) { await show(door); return null; }
  if (!reply.ok) throw new Error((await reply.json()).title);
  return reply.status === 204 ? true : reply.json();
}

async function show(view) {
  draw = view;
  await view();
}

async function door() {
  const code = el('input', { id: 'code', inputmode: 'numeric', autocomplete: 'off', maxlength: '9', 'data-testid': 'code' });
  const error = el('p', { class: 'error', role: 'alert' });
  const enter = async (event) => {
    event.preventDefault();
    const body = JSON.stringify({ code: code.value });
    const entered = await ask('session', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } }).catch(() => null);
    if (entered) await show(watch);
    else error.textContent = t('install.wrong_code');
  };
  page(el('form', { class: 'sheet door', onsubmit: enter },
    el('label', { for: 'code' }, t('install.code')),
    el('p', { class: 'hint' }, t('install.code_hint')),
    code, error, el('button', { class: 'main', 'data-testid': 'enter' }, t('install.enter'))));
  code.focus();
}

async function watch() {
  const cameras = await ask('cameras');
  if (!cameras) return;
  const choice = el('select', { 'aria-label': t('install.camera') }, ...cameras.map((one) => el('option', {}, one.camera_id)));
  const picture = el('svg', { 'data-testid': 'picture', viewBox: '0 0 640 360', role: 'img', 'aria-label': t('install.picture') });
  const state = el('p', { 'data-testid': 'state' });
  const verdict = el('div', { class: 'verdict open', role: 'status', 'data-testid': 'verdict' });
  const list = el('ul', { 'data-testid': 'checks' });
  page(el('main', {},
    el('section', { class: 'sheet stage' }, picture, state),
    el('section', { class: 'sheet side' }, choice, verdict, list, el('p', { class: 'hint' }, t('install.walk')))));
  while (picture.isConnected) {
    await refresh(choice.value, picture, state, verdict, list).catch(() => { state.textContent = t('install.lost'); });
    await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
  }
}

async function refresh(camera, picture, state, verdict, list) {
  const [view, cameras] = await Promise.all([ask(`cameras/${encodeURIComponent(camera)}`), ask('cameras')]);
  if (!view || !cameras) return;
  const now = cameras.find((one) => one.camera_id === camera);
  state.textContent = now.detail || t(view.jpeg ? 'install.live' : 'install.no_picture');
  if (view.jpeg) {
    picture.setAttribute('viewBox', `0 0 ${view.width} ${view.height}`);
    const size = { svg: true, width: view.width, height: view.height };
    picture.replaceChildren(el('image', { ...size, href: `data:image/jpeg;base64,${view.jpeg}` }), ...view.faces.flatMap(boxes));
  }
  list.replaceChildren(...view.checks.map(line));
  const word = view.checks.some((one) => one.good === false) ? 'bad' : view.checks.some((one) => one.good === null) ? 'open' : 'good';
  verdict.className = `verdict ${word}`;
  verdict.textContent = t(`install.verdict.${word}`);
}

function boxes({ box: [left, top, right, bottom], px }) {
  const near = px >= NEAR_PX ? 'face near' : 'face';
  return [
    el('rect', { svg: true, class: near, x: left, y: top, width: right - left, height: bottom - top }),
    el('text', { svg: true, class: 'px', x: left, y: Math.max(16, top - 6) }, t('install.px', { n: px })),
  ];
}

function line({ name, good, value }) {
  const word = good === null ? 'open' : good ? 'good' : 'bad';
  const shown = name === 'size' ? `${Math.round(value * 100)} %` : name === 'light' ? Math.round(value) : `${Math.round(value)}°`;
  const row = el('li', { 'data-check': name, 'data-good': word },
    el('span', { class: `mark ${word}`, 'aria-label': t(`install.mark.${word}`) }, { good: '✓', bad: '✗', open: '…' }[word]),
    el('span', {}, t(`install.check.${name}`)),
    el('span', {}, good === null && value === 0 ? '–' : String(shown)));
  if (good === false) row.append(el('small', {}, t(`install.advice.${name}`)));
  return row;
}

await Promise.all(LANGUAGES.map(async (name) => {
  texts[name] = await (await fetch(new URL(`../assets/strings/${name}.json`, import.meta.url))).json();
}));
await show(watch);
