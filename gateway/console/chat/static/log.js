// The messages of the open room. A node is redrawn only when its entry changed.
import { announce, byId, el, icon } from "./dom.js";
import { call, windowId } from "./api.js";
import { drawCard, longText } from "./cards.js";
import { openDialog } from "./forms.js";
import { face } from "./people.js";
import { lineOf, nameOf, see, state } from "./state.js";
import { when } from "./time.js";
import { toast, trouble } from "./toast.js";
import { t } from "./words.js";

const GROUPED = 5 * 60_000;
const nodes = new Map(); // entry id -> { node, entry }
const answers = new Map(); // entry id -> { card, old }: shown to the one who pressed; the card it hangs on has changed since
let hooks = { quote: () => {} };

export const onQuote = (quote) => { hooks = { quote }; };
const scroller = () => byId("scroll");
const atEnd = () => scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < 80;

export async function openLog(room) {
  nodes.clear();
  answers.clear();
  byId("entries").replaceChildren();
  const held = state.logs.get(room);
  if (held) drawAll(room);
  try {
    const page = await call("GET", `rooms/${room}/entries`);
    state.logs.set(room, { entries: new Map(page.entries.map((entry) => [entry.id, entry])), more: page.more });
  } catch (error) {
    trouble(error);
  }
  if (state.room === room) drawAll(room);
}

export function redrawLog() {
  nodes.clear();
  byId("entries").replaceChildren();
  drawAll(state.room);
}

function drawAll(room) {
  const log = state.logs.get(room);
  if (!log) return;
  for (const entry of sorted(log)) place(entry, null);
  byId("earlier").hidden = !log.more;
  settle();
  scroller().scrollTop = scroller().scrollHeight;
}

const sorted = (log) => [...log.entries.values()].sort((a, b) => a.seq - b.seq);

export async function earlier() {
  const log = state.logs.get(state.room);
  const first = sorted(log)[0];
  const page = await call("GET", `rooms/${state.room}/entries?before=${first.seq}`);
  for (const entry of page.entries) log.entries.set(entry.id, entry);
  log.more = page.more;
  const bottom = scroller().scrollHeight - scroller().scrollTop;
  const opened = byId("entries");
  const fresh = page.entries.map((entry) => hold(entry, null));
  opened.prepend(...fresh);
  byId("earlier").hidden = !page.more;
  settle();
  scroller().scrollTop = scroller().scrollHeight - bottom;
}

// One entry as the stream told it: new, changed or gone.
export function upsert(entry) {
  const log = state.logs.get(entry.room);
  const room = state.rooms.find((one) => one.id === entry.room);
  if (room && !entry.mine) room.latest = Math.max(room.latest, entry.seq);
  if (!log) return;
  const before = log.entries.get(entry.id);
  const gone = entry.kind === "card" && entry.deleted;
  if (gone) log.entries.delete(entry.id);
  else log.entries.set(entry.id, entry);
  if (entry.room === state.room) show(entry, before, gone);
}

// The answer to one's own sending or rewriting: older than whatever the stream told of it meanwhile.
export function answered(entry) {
  const known = state.logs.get(entry.room)?.entries.get(entry.id);
  if (!known || known.edited < entry.edited) upsert(entry);
}

function show(entry, before, gone) {
  const stay = atEnd() || entry.mine;
  if (gone) drop(entry.id);
  else place(entry, before);
  settle();
  if (before?.card && entry.card && JSON.stringify(before.card) !== JSON.stringify(entry.card)) {
    announce(t("repainted", { summary: entry.card.summary }));
  } else if (!before && !entry.mine && !gone) {
    announce(lineOf(entry));
  }
  if (stay) toEnd();
  else if (!before && !gone) byId("newer").hidden = false;
}

export function toEnd() {
  scroller().scrollTop = scroller().scrollHeight;
  byId("newer").hidden = true;
}

function drop(id) {
  nodes.get(id)?.node.remove();
  nodes.delete(id);
  answers.delete(id);
}

function place(entry, before) {
  const held = nodes.get(entry.id);
  if (held && JSON.stringify(held.entry) === JSON.stringify(entry)) return;
  if (held && held.node.querySelector(".rewrite") && !entry.deleted) return; // drawn when the writing is done
  const key = held?.node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const node = hold(entry, before);
  if (held) held.node.replaceWith(node);
  else insert(node, entry);
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function insert(node, entry) {
  const list = byId("entries");
  const after = [...list.children].find((other) => Number(other.dataset.seq) > entry.seq);
  list.insertBefore(node, after || null);
}

function hold(entry, before) {
  const answer = answers.get(entry.id);
  if (answer && before?.card && JSON.stringify(before.card) !== JSON.stringify(entry.card)) answer.old = true;
  const node = drawEntry(entry, before?.card);
  nodes.set(entry.id, { node, entry });
  return node;
}

// What depends on the neighbours: whose name is repeated, and whether the room is empty.
function settle() {
  let previous = null;
  for (const node of byId("entries").children) {
    const { author, at, kind } = node.dataset;
    const plain = kind === "text" || kind === "card";
    const same = plain && previous?.author === author && previous.plain && Number(at) - previous.at < GROUPED;
    node.classList.toggle("continued", Boolean(same));
    previous = { author, at: Number(at), plain };
  }
  const last = sorted(state.logs.get(state.room) || { entries: new Map() }).at(-1);
  byId("empty").hidden = Boolean(last);
  byId("hints").hidden = !last;
  if (last && !document.hidden) see(state.room, last.seq);
}

function drawEntry(entry, before) {
  const data = { seq: entry.seq, author: entry.author, at: entry.at, kind: entry.kind };
  if (entry.kind === "joined" || entry.kind === "left") {
    return el("li", { class: "notice", data }, el("span", {}, lineOf(entry)), " ", when(entry.at));
  }
  const node = el("li", { class: `entry ${entry.whisper ? "whisper" : ""}`.trim(), data }, face(entry.author));
  const head = el("p", { class: "head" }, el("strong", {}, nameOf(entry.author)), when(entry.at));
  const body = el("div", { class: "body" }, head);
  node.append(body);
  if (entry.deleted) body.append(el("p", { class: "muted gone" }, t("deleted")));
  else if (entry.card) drawCarded(body, entry, before);
  else drawSaid(body, node, entry);
  const answer = answers.get(entry.id);
  if (answer) body.append(drawAnswer(entry, answer));
  return node;
}

const onlyYou = () => el("p", { class: "only" }, icon("eye"), t("only_you"));

function drawCarded(body, entry, before) {
  if (entry.whisper) body.append(onlyYou());
  body.append(drawCard(entry.card, sceneOf(entry.room, entry.id), before));
}

function drawSaid(body, node, entry) {
  const said = el("div", { class: "said" });
  for (const part of entry.parts) {
    said.append(part.quote ? el("blockquote", { dir: "auto" }, part.text) : longText(part.text, "p", "text"));
  }
  if (entry.edited) said.lastElementChild.append(" ", el("span", { class: "muted small" }, `(${t("edited")})`));
  body.append(said);
  if (entry.pending) body.append(el("p", { class: "muted small late" }, icon("waiting"), t(`pending_${entry.pending}`)));
  node.append(tools(entry, said));
}

function tools(entry, said) {
  const tool = (name, shape, onclick) =>
    el("button", { type: "button", class: "iconic", "aria-label": `${t(name)}: ${entry.own.slice(0, 60)}`, title: t(name), onclick, data: { key: name } }, icon(shape));
  const own = entry.mine ? [tool("edit", "pencil", () => rewrite(entry, said)), tool("remove", "bin", () => confirmDelete(entry))] : [];
  return el("div", { class: "tools" }, tool("quote", "quote", () => hooks.quote(entry)), own);
}

function rewrite(entry, said) {
  const box = el("textarea", { rows: 2, "aria-label": t("edit"), value: entry.own });
  const done = () => {
    form.replaceWith(said);
    const latest = state.logs.get(entry.room)?.entries.get(entry.id);
    if (latest) place(latest, null);
    nodes.get(entry.id)?.node.querySelector('[data-key="edit"]')?.focus();
  };
  const form = el("form", { class: "rewrite" }, box, el("div", { class: "actions" },
    el("button", { type: "submit", class: "primary" }, t("save")),
    el("button", { type: "button", class: "plain", onclick: done }, t("cancel"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    call("PUT", `entries/${entry.id}`, { text: box.value }).then((changed) => { answered(changed); done(); }, trouble);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") done();
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
  });
  said.replaceWith(form);
  box.focus();
  box.setSelectionRange(box.value.length, box.value.length);
}

function confirmDelete(entry) {
  openDialog(t("delete_title"), (close) => el("div", {}, el("p", {}, t("delete_about")), el("div", { class: "actions" },
    el("button", { type: "button", class: "danger", onclick: () => { close(); call("DELETE", `entries/${entry.id}`).then(upsert, trouble); } }, t("remove")),
    el("button", { type: "button", class: "plain", onclick: close }, t("cancel")))));
}

// What a press or a form on a card does: ask the gateway, then do what it answers.
export function sceneOf(room, message, done = () => {}) {
  const scene = {
    async press(button, node) {
      if (node.getAttribute("aria-busy") === "true") return;
      node.setAttribute("aria-busy", "true");
      try {
        const { answer } = await call("POST", "press", { room, message, action: button.action, data: button.data, window: windowId });
        take(answer, room, message);
        if (answer.kind === "toast" && answer.tone !== "danger") done();
      } catch (error) {
        trouble(error);
      } finally {
        node.removeAttribute("aria-busy");
      }
    },
    submit: (form, values, tokens) => submit(room, message, form, values, tokens),
  };
  return scene;
}

async function submit(room, message, form, values, tokens, close = () => {}) {
  try {
    const { answer } = await call("POST", "form", { room, message, data: form.data, values, tokens });
    if (answer.kind === "errors") return answer.errors;
    close();
    take(answer, room, message);
    return null;
  } catch (error) {
    if (!error.code) console.error(error);
    return { "": error.message };
  }
}

function take(answer, room, message) {
  if (answer.kind === "toast") toast(answer.text, answer.tone);
  else if (answer.kind === "form") showForm(answer.card, room, message);
  else if (answer.kind === "card") showAnswer(answer.card, room, message);
  else if (answer.kind === "errors") toast(Object.values(answer.errors).join(" "), "danger");
}

export function showForm(card, room, message) {
  const title = card.blocks.find((block) => block.type === "title")?.text || card.summary;
  const rest = { ...card, blocks: card.blocks.filter((block) => block.type !== "title") };
  openDialog(title, (close) => drawCard(rest, {
    ...sceneOf(room, message),
    cancel: close,
    submit: (form, values, tokens) => submit(room, message, form, values, tokens, close),
  }));
}

function showAnswer(card, room, message) {
  const held = nodes.get(message);
  if (!held || room !== state.room) {
    openDialog(card.summary, () => drawCard(card, sceneOf(room, message)));
    return;
  }
  const answered = { card, old: false };
  answers.set(message, answered);
  held.node.querySelector(".answer")?.remove();
  const answer = drawAnswer(held.entry, answered);
  held.node.querySelector(".body").append(answer);
  answer.focus({ preventScroll: true });
  answer.scrollIntoView({ block: "nearest" });
}

function drawAnswer(entry, { card, old }) {
  const answer = el("div", { class: "answer whisper", tabindex: "-1", role: "group", "aria-label": `${t("only_you")}: ${card.summary}` });
  const close = () => {
    answers.delete(entry.id);
    answer.remove();
    nodes.get(entry.id)?.node.querySelector(".card button")?.focus();
  };
  answer.append(el("div", { class: "only-head" }, onlyYou(), el("button", { type: "button", class: "iconic", "aria-label": t("close"), title: t("close"), onclick: close }, icon("close"))));
  if (old) answer.append(el("p", { class: "old" }, icon("waiting"), t("answer_old")));
  answer.append(drawCard(card, sceneOf(entry.room, entry.id, close))); // what it asked is done: put away
  answer.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  return answer;
}
