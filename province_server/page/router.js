// Addresses after the hash: `#/customers/C-1?gallery=vip` is page `customers`, path ['C-1'], query {gallery: 'vip'}.

export function here() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', ...rest] = path.split('/').filter(Boolean).map(decodeURIComponent);
  return { page, path: rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

export const address = (page, ...path) => `#/${[page, ...path].map(encodeURIComponent).join('/')}`;

export const go = (page, ...path) => {
  location.hash = address(page, ...path);
};
