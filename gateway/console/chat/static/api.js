// Talks to the chat. Every failure arrives as a Trouble whose message is worded for the person.
import { has, locale, t } from "./words.js";

const base = document.documentElement.dataset.base;
export const windowId = Math.random().toString(36).slice(2);
let person = "";

export const as = () => person;
export const become = (id) => { person = id; };

export class Trouble extends Error {
  constructor(code, say) {
    super(has(`error_${code}`) ? t(`error_${code}`) : say);
    this.code = code;
  }
}

export async function call(method, path, body) {
  const separator = path.includes("?") ? "&" : "?";
  const url = `${base}/api/page/${path}${separator}as=${encodeURIComponent(person)}&locale=${locale()}`;
  const options = { method, headers: { "Content-Type": "application/json" } };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Trouble("network", "");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Trouble(answer.error?.code || "network", answer.error?.say || response.statusText);
  return answer;
}

export function eventsUrl(after) {
  const query = new URLSearchParams({ as: person, after, locale: locale(), window: windowId });
  return `${base}/events?${query}`;
}
