// Names of cities, branches and staff, for tables and choices; fetched once a page.
import { all } from '../api.js';
import { may } from '../session.js';
import { pick } from '../strings.js';

async function names(operation, path, key, call) {
  const items = may(operation) ? await all(path) : [];
  const by = new Map(items.map((item) => [item[key], item]));
  return { items, name: (id) => (by.has(id) ? call(by.get(id)) : id), options: items.map((item) => [item[key], call(item)]) };
}

export const branches = () => names('list_branches', 'branches', 'branch_id', (branch) => pick(branch, 'name'));
export const cities = () => names('list_cities', 'cities', 'city_id', (city) => city.name);
export const staff = () => names('list_staff', 'staff', 'staff_id', (one) => `${one.display_name} · ${one.staff_id}`);
