// Building DOM: data only ever becomes text, never markup.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'testid') node.dataset.testid = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

export function glyph(name, className = 'glyph') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', className);
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${new URL('glyphs.svg', import.meta.url).pathname}#${name}`);
  svg.append(use);
  return svg;
}

// Text that is already right is left alone, so screen readers and selections are not disturbed by the clock.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Rebuild `node` only when what it shows has changed; keeps focus and avoids flicker.
export function rebuildOn(node, signature, build) {
  const key = JSON.stringify(signature);
  if (node.shownKey === key) return;
  node.shownKey = key;
  node.replaceChildren(...build().filter(Boolean));
}
