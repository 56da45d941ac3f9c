// What this window knows, and who wants to hear when it changes.
import { recall, remember } from "./dom.js";
import { personName, t } from "./words.js";

export const state = {
  me: "", persons: [], rooms: [], features: {}, room: "", feed: 0, quote: null,
  logs: new Map(), // room id -> { entries: Map(id -> entry), more }
};

export const personOf = (id) => state.persons.find((person) => person.id === id);
export const roomOf = (id) => state.rooms.find((room) => room.id === id);

export function nameOf(id) {
  if (id === "floatcard") return "Floatcard";
  const person = personOf(id);
  return person ? personName(person) : id;
}

export function initials(id) {
  const person = personOf(id);
  if (!person) return "F";
  if (/^[\x00-\x7f]/.test(person.name)) return person.name.split(" ").map((part) => part[0]).join("").slice(0, 2);
  return person.name.slice(-1);
}

const seenKey = (room) => `floatcard.seen.${state.me}.${room}`;
export const seen = (room) => Number(recall(seenKey(room)) || 0);

export function see(room, seq) {
  if (seq > seen(room)) remember(seenKey(room), String(seq));
}

export const unread = (room) => room.latest > seen(room.id);

export function lineOf(entry) {
  if (entry.kind === "joined") return t(entry.by && entry.by !== entry.author ? "joined_by" : "joined", { name: nameOf(entry.author), by: nameOf(entry.by) });
  if (entry.kind === "left") return t(entry.by && entry.by !== entry.author ? "left_by" : "left", { name: nameOf(entry.author), by: nameOf(entry.by) });
  if (entry.deleted) return t("deleted");
  const text = entry.kind === "card" ? entry.card?.summary || "" : entry.own;
  return t("says", { name: nameOf(entry.author), text });
}
