// Relative words with the exact time on hover, in the reader's zone, by the demo's clock.
import { el } from "./dom.js";
import { locale, t } from "./words.js";

let shift = 0;

export const setNow = (now) => { shift = now - Date.now(); };
export const now = () => Date.now() + shift;

const STEPS = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000]];

export function relative(at) {
  const distance = at - now();
  if (Math.abs(distance) < 45_000) return t("just_now");
  const [unit, size] = STEPS.find(([, length]) => Math.abs(distance) >= length) || STEPS[2];
  const amount = Math.round(distance / size) || Math.sign(distance);
  return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(amount, unit);
}

export function exact(at) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(at);
}

export function clockTime(at) {
  const format = { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale(), format).format(at);
}

export function when(at) {
  return el("time", { datetime: new Date(at).toISOString(), title: exact(at), data: { at } }, relative(at));
}

export function refreshTimes() {
  for (const node of document.querySelectorAll("time[data-at]")) {
    const words = relative(Number(node.dataset.at));
    if (node.textContent !== words) node.textContent = words;
  }
}
