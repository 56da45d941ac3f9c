// Starts the page and ties its parts: who you are, which room is open, what the stream tells.
import { byId, el, recall, remember } from "./dom.js";
import { become, call, eventsUrl } from "./api.js";
import { drawHints, fill, keepDraft, openComposer, quote, setUpComposer } from "./composer.js";
import { drawCrm, refreshCrm } from "./crm.js";
import { earlier, onQuote, openLog, redrawLog, showForm, toEnd, upsert } from "./log.js";
import { drawFaces, drawMembers, drawPersons, drawRooms } from "./people.js";
import { addTrail, clearTrail, setUpSide, showSide } from "./side.js";
import { roomOf, see, state, unread } from "./state.js";
import { clockTime, now, refreshTimes, setNow } from "./time.js";
import { toast, trouble } from "./toast.js";
import { locale, roomTitle, setLocale, t, wordPage } from "./words.js";

let stream = null;
let cursor = { feed: 0, trail: 0 };
let sleeping = 0;

async function enter(person) {
  keepDraft();
  stream?.close();
  become(person);
  let snapshot;
  try {
    snapshot = await call("GET", "state");
  } catch (error) {
    if (error.code === "unknown_person" && person !== "u_liting") return void enter("u_liting");
    trouble(error);
    return void setTimeout(() => void enter(person), 2000);
  }
  state.logs = new Map();
  take(snapshot);
  cursor = { feed: snapshot.feed, trail: 0 };
  remember("floatcard.as", person);
  const address = new URL(location.href);
  address.searchParams.set("as", person);
  history.replaceState(null, "", address);
  clearTrail();
  if (state.features.crm) drawCrm();
  await open((roomOf(address.searchParams.get("room")) || state.rooms[0]).id, false);
  connect();
}

function take(snapshot) {
  Object.assign(state, { me: snapshot.me, persons: snapshot.persons, rooms: snapshot.rooms, features: snapshot.features });
  setNow(snapshot.now);
  drawPeople();
  byId("clock").hidden = !snapshot.features.clock;
  byId("tab-crm").hidden = !snapshot.features.crm;
  if (!snapshot.features.crm) withoutCrm();
  document.querySelector('[data-go="crm"]').hidden = !snapshot.features.crm;
}

// A guest has no screen of the CRM, and finds nothing of it left by whoever sat here before.
function withoutCrm() {
  byId("crm").replaceChildren();
  if (document.body.dataset.side === "crm") showSide("trail");
  if (document.body.dataset.view === "crm") go("chat");
}

function drawPeople() {
  drawRooms((id) => void open(id));
  drawPersons((id) => void enter(id));
  drawMembers();
  byId("clock-now").textContent = clockTime(now());
  const count = state.rooms.filter((room) => room.id !== state.room && unread(room)).length;
  document.title = `${count ? `(${count}) ` : ""}${roomOf(state.room) ? `${roomTitle(roomOf(state.room))} · ` : ""}Floatcard`;
}

async function open(id, moved = true) {
  if (moved) keepDraft();
  state.room = id;
  const address = new URL(location.href);
  address.searchParams.set("room", id);
  history.replaceState(null, "", address);
  const room = roomOf(id);
  see(id, room.latest);
  drawHead();
  drawPeople();
  openComposer();
  if (moved) go("chat");
  await openLog(id);
  if (moved && matchMedia("(min-width: 1080px)").matches) byId("composer-text").focus();
}

function drawHead() {
  const room = roomOf(state.room);
  byId("room-title").textContent = roomTitle(room);
  byId("room-about").textContent = room.kind === "direct" ? t("direct_about") : room.external ? t("external") : t("members_n", { n: room.members.length });
  drawFaces(room);
  byId("empty").replaceChildren(
    el("h3", {}, room.kind === "direct" ? "Floatcard" : t("empty_title")),
    el("p", {}, t(room.kind === "direct" ? "empty_direct" : "empty_about")),
    el("div", { class: "examples" }, [1, 2, 3].map((n) => el("button", { type: "button", class: "hint", onclick: () => fill(t(`example_${n}`)) }, t(`example_${n}`)))));
}

function connect() {
  stream?.close();
  stream = new EventSource(eventsUrl(`${cursor.feed}.${cursor.trail}`));
  const on = (kind, act) => stream.addEventListener(kind, (event) => {
    const [feed, trail] = event.lastEventId.split(".").map(Number);
    cursor = { feed: feed || cursor.feed, trail: trail || cursor.trail };
    act(JSON.parse(event.data));
  });
  on("message", (entry) => { upsert(entry); drawPeople(); void refreshCrm(); });
  on("rooms", () => void reload());
  on("clock", (clock) => { setNow(clock.now); refreshTimes(); drawPeople(); });
  on("form", (form) => showForm(form.card, form.room, form.message));
  on("trail", (line) => { addTrail(line); void refreshCrm(); });
  stream.onopen = () => { byId("offline").hidden = true; };
  stream.onerror = () => {
    byId("offline").hidden = false;
    byId("offline").textContent = t("offline");
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

async function reload() {
  try {
    take(await call("GET", "state"));
  } catch (error) {
    return trouble(error);
  }
  if (roomOf(state.room)) return drawHead();
  toast(t("removed_you"), "warning");
  return open(state.rooms[0].id);
}

// A window nobody looks at gives its connection back; it catches up when it is seen again.
function onVisibility() {
  clearTimeout(sleeping);
  if (document.hidden) sleeping = setTimeout(() => stream?.close(), 60_000);
  else if (stream?.readyState === EventSource.CLOSED) connect();
}

function go(view) {
  document.body.dataset.view = view;
  if (view === "trail" || view === "crm") showSide(view);
  for (const button of document.querySelectorAll("[data-go]")) {
    button.setAttribute("aria-current", String(button.dataset.go === view));
  }
}

function word() {
  wordPage();
  byId("language").textContent = locale() === "en" ? "中文" : "English";
  byId("language").lang = locale() === "en" ? "zh-CN" : "en";
  document.querySelector("a.console").href = `/console?lang=${locale()}`;
  byId("theme").textContent = t(dark() ? "theme_light" : "theme_dark");
}

const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

function toggleTheme() {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  remember("floatcard.theme", document.documentElement.dataset.theme);
  word();
}

function toggleLanguage() {
  setLocale(locale() === "en" ? "zh-CN" : "en");
  remember("floatcard.locale", locale());
  word();
  drawPeople();
  drawHead();
  drawHints();
  redrawLog();
  cursor = { ...cursor, trail: 0 };
  clearTrail();
  if (state.features.crm) drawCrm();
  connect();
}

async function jump(seconds) {
  try {
    const answer = await call("POST", "clock", { seconds });
    setNow(answer.now);
    refreshTimes();
    toast(t("jumped", { time: clockTime(answer.now) }), "info");
  } catch (error) {
    trouble(error);
  }
}

function start() {
  word();
  setUpComposer();
  setUpSide();
  showSide("trail");
  go("chat");
  onQuote(quote);
  byId("language").addEventListener("click", toggleLanguage);
  byId("theme").addEventListener("click", toggleTheme);
  byId("earlier").addEventListener("click", () => void earlier().catch(trouble));
  byId("newer").addEventListener("click", toEnd);
  for (const button of document.querySelectorAll("[data-jump]")) button.addEventListener("click", () => void jump(Number(button.dataset.jump)));
  for (const button of document.querySelectorAll("[data-go]")) button.addEventListener("click", () => go(button.dataset.go));
  document.addEventListener("visibilitychange", onVisibility);
  setInterval(() => { refreshTimes(); byId("clock-now").textContent = clockTime(now()); }, 20_000);
  void enter(new URLSearchParams(location.search).get("as") || recall("floatcard.as") || "u_liting");
}

start();
