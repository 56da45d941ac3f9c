// Beside the chat: what just happened, told by the decision trail, and the CRM's own screen.
import { announce, byId, el, icon } from "./dom.js";
import { roomOf, state } from "./state.js";
import { when } from "./time.js";
import { drawCrm } from "./crm.js";
import { roomTitle, t } from "./words.js";

const KEEP = 60;
let turns = new Map(); // turn -> lines, oldest turn first
const drawn = new Map(); // turn -> node

export function setUpSide() {
  const tabs = [byId("tab-trail"), byId("tab-crm")];
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => showSide(index ? "crm" : "trail"));
    tab.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      tabs[1 - index].focus();
      showSide(index ? "trail" : "crm");
    });
  });
}

export function showSide(which) {
  document.body.dataset.side = which;
  for (const name of ["trail", "crm"]) {
    const on = name === which;
    byId(`tab-${name}`).setAttribute("aria-selected", String(on));
    byId(`tab-${name}`).tabIndex = on ? 0 : -1;
    byId(name).hidden = !on;
  }
}

export function clearTrail() {
  turns = new Map();
  drawn.clear();
  byId("trail").replaceChildren(
    el("p", { class: "muted small" }, t(state.features.trail === false ? "trail_none" : "trail_about")),
    el("p", { class: "muted empty-side", id: "trail-empty", hidden: state.features.trail === false }, t("trail_empty")),
    el("ol", { id: "turns", class: "turns" }));
}

export function addTrail(line) {
  byId("trail-empty").hidden = true;
  const lines = turns.get(line.turn) || [];
  if (lines.some((one) => one.id === line.id)) return;
  lines.push(line);
  turns.delete(line.turn);
  turns.set(line.turn, lines);
  const node = drawTurn(lines);
  drawn.get(line.turn)?.remove();
  drawn.set(line.turn, node);
  byId("turns").prepend(node);
  while (turns.size > KEEP) forget(turns.keys().next().value);
}

function forget(turn) {
  turns.delete(turn);
  drawn.get(turn)?.remove();
  drawn.delete(turn);
}

function titleOf(place) {
  const found = roomOf(place) || roomOf(place.split("/").at(-1)) || state.rooms.find((room) => place.includes(room.id));
  return found ? roomTitle(found) : "";
}

function drawTurn(lines) {
  const room = titleOf(lines[0].room || "");
  return el("li", { class: "turn" },
    el("p", { class: "turn-head" }, room ? el("strong", {}, room) : null, when(lines[0].at)),
    el("ol", {}, lines.map(drawLine)));
}

function drawLine(line) {
  const tone = ["info", "warning", "danger"].includes(line.tone) ? line.tone : "neutral";
  const mark = el("span", { class: `step tone-${tone}` }, tone === "neutral" ? null : icon(tone),
    tone === "neutral" ? null : el("span", { class: "sr" }, t(`tone_${tone}`)));
  return el("li", {}, mark, el("div", { class: "grow" }, el("strong", { dir: "auto" }, line.label), " ", el("span", { class: "words", dir: "auto" }, line.text), " ",
    line.trace ? el("button", { type: "button", class: "trace", "aria-label": t("copy", { trace: line.trace }), title: t("copy", { trace: line.trace }), onclick: () => copy(line.trace) }, line.trace) : null));
}

function copy(trace) {
  const done = () => announce(t("copied", { trace }));
  navigator.clipboard?.writeText(trace).then(done, done);
}

export function redrawSide() {
  drawCrm();
}
