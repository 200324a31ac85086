// Building DOM: data only ever becomes text, never markup.

const present = (children) => children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== '');

// Like `append`, which would write out null and false as words.
export const place = (node, ...children) => node.append(...present(children));

function build(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') node.setAttribute('class', value);
    else if (name === 'testid') node.dataset.testid = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  place(node, ...children);
  return node;
}

export const el = (tag, props = {}, ...children) => build(document.createElement(tag), props, children);

const SVG = 'http://www.w3.org/2000/svg';

export const svg = (tag, props = {}, ...children) => build(document.createElementNS(SVG, tag), props, children);

export function glyph(name) {
  const address = `${new URL('glyphs.svg', import.meta.url).pathname}#${name}`;
  return svg('svg', { class: 'glyph', 'aria-hidden': 'true' }, svg('use', { href: address }));
}

// A component with properties instead of attributes: `part('yb-table', {columns, load})`.
export const part = (tag, values) => Object.assign(document.createElement(tag), values);

let counter = 0;
export const freshId = () => `id-${++counter}`;
