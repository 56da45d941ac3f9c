// Where a message is written: Enter sends, Shift+Enter breaks the line, an input method keeps its Enter.
import { byId, el, icon } from "./dom.js";
import { call } from "./api.js";
import { answered } from "./log.js";
import { nameOf, roomOf, state } from "./state.js";
import { trouble } from "./toast.js";
import { t } from "./words.js";

const LIMIT = 10_000;
const box = () => byId("composer-text");
const drafts = new Map();
let sending = false;

export function setUpComposer() {
  byId("composer").addEventListener("submit", (event) => { event.preventDefault(); void send(); });
  box().addEventListener("input", fit);
  box().addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && state.quote) quote(null);
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); void send(); }
  });
}

export function keepDraft() {
  if (state.room) drafts.set(`${state.me} ${state.room}`, box().value);
}

export function openComposer() {
  box().value = drafts.get(`${state.me} ${state.room}`) || "";
  quote(null);
  drawHints();
  fit();
}

export function quote(entry) {
  state.quote = entry;
  const place = byId("quoting");
  place.hidden = !entry;
  if (!entry) return void place.replaceChildren();
  place.replaceChildren(icon("quote"), el("div", { class: "grow" }, el("p", { class: "muted small" }, t("quoting", { name: nameOf(entry.author) })), el("p", { class: "one-line", dir: "auto" }, entry.own)),
    el("button", { type: "button", class: "iconic", "aria-label": t("no_quote"), title: t("no_quote"), onclick: () => { quote(null); box().focus(); } }, icon("close")));
  box().focus();
}

export function fill(text) {
  box().value = text;
  fit();
  box().focus();
}

function clear() {
  box().value = "";
  fit();
}

export function drawHints() {
  const hints = [1, 2, 3].map((n) => t(`example_${n}`));
  if (roomOf(state.room)?.kind === "direct") hints.unshift(t("example_help"));
  byId("hints").replaceChildren(el("span", { class: "muted small", "aria-hidden": "true" }, t("try")),
    ...hints.map((text) => el("button", { type: "button", class: "hint", onclick: () => fill(text) }, text)));
}

function fit() {
  const node = box();
  node.rows = Math.min(8, Math.max(1, node.value.split("\n").length));
  const length = [...node.value].length;
  const count = byId("count");
  count.hidden = length < LIMIT - 1000;
  count.textContent = t("count", { n: length.toLocaleString() });
  count.classList.toggle("tone-danger", length > LIMIT);
}

async function send() {
  const text = box().value;
  if (!text.trim() || sending) return;
  sending = true;
  const { room } = state;
  try {
    const entry = await call("POST", "entries", { room, text, quote: state.quote?.id || "" });
    if (state.room === room && box().value === text) clear();
    drafts.delete(`${state.me} ${room}`);
    quote(null);
    answered(entry);
    if (document.activeElement === byId("send")) box().focus();
  } catch (error) {
    trouble(error);
  } finally {
    sending = false;
  }
}
