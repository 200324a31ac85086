// Numbers and instants as people read them, in China's time.
import { current } from './strings.js';

const ZONE = 'Asia/Shanghai';
const locale = () => (current() === 'zh' ? 'zh-CN' : 'en-GB');

export function dateTime(ms) {
  if (ms === null || ms === undefined) return '—';
  return new Date(ms).toLocaleString(locale(), { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false });
}

export function date(ms) {
  if (ms === null || ms === undefined) return '—';
  return new Date(ms).toLocaleDateString(locale(), { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' });
}

export const number = (value, digits = 0) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);

export const percent = (share) => new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 1 }).format(share);

export const yuan = (fen) => `${fen < 0 ? '−' : ''}¥${new Intl.NumberFormat(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(Math.abs(fen) / 100)}`;

// The end of a day in China, as the API counts instants.
export const endOfDay = (day) => Date.parse(`${day}T23:59:59.999+08:00`);

export const instant = (local) => Date.parse(`${local}:00+08:00`);
