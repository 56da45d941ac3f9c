// The left column: rooms, who you are, and who is inside a room.
import { byId, el, icon } from "./dom.js";
import { call } from "./api.js";
import { openDialog } from "./forms.js";
import { initials, nameOf, state, unread } from "./state.js";
import { trouble } from "./toast.js";
import { personName, roomTitle, t } from "./words.js";

export function face(id, small = false) {
  const kind = id === "floatcard" ? "bot" : id === state.me ? "me" : "";
  return el("span", { class: `face ${kind} ${small ? "small" : ""}`.trim(), "aria-hidden": "true" }, id === "floatcard" ? icon("card") : initials(id));
}

export function drawRooms(choose) {
  byId("rooms").replaceChildren(...state.rooms.map((room) => {
    const current = room.id === state.room;
    const mark = room.kind === "direct" ? face("floatcard") : el("span", { class: "face room", "aria-hidden": "true" }, icon(room.external ? "outside" : "lock"));
    const fresh = !current && unread(room) ? el("span", { class: "dot" }, el("span", { class: "sr" }, t("unread"))) : null;
    const about = room.kind === "direct" ? t("direct_about") : room.external ? t("external") : t("members_n", { n: room.members.length });
    return el("li", {}, el("button", { type: "button", class: "pick", "aria-current": current ? "true" : undefined, onclick: () => choose(room.id) },
      mark, el("span", { class: "grow" }, el("span", { class: "name" }, roomTitle(room)), el("span", { class: "muted" }, about)), fresh));
  }));
}

export function drawPersons(become) {
  byId("persons").replaceChildren(...state.persons.map((person) => {
    const href = `?as=${encodeURIComponent(person.id)}`;
    const current = person.id === state.me;
    const pick = el("a", { href, class: "pick", "aria-current": current ? "true" : undefined },
      face(person.id), el("span", { class: "grow" }, el("span", { class: "name" }, personName(person)), el("span", { class: "muted" }, t(`role_${person.role}`))));
    pick.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      become(person.id);
    });
    const label = t("window", { name: personName(person) });
    const beside = el("a", { href, target: "_blank", class: "iconic beside", "aria-label": label, title: label }, icon("outside"));
    return el("li", { class: "with-aside" }, pick, beside);
  }));
}

export function drawFaces(room) {
  const button = byId("members");
  button.hidden = room.kind === "direct";
  if (button.hidden) return;
  const label = t("manage", { names: room.members.map(nameOf).join(", ") });
  button.setAttribute("aria-label", label);
  button.title = label;
  button.replaceChildren(...room.members.slice(0, 5).map((id) => face(id, true)), el("span", {}, t("members_n", { n: room.members.length })));
  button.onclick = () => showMembers(room.id);
}

let shown = null;

function showMembers(room) {
  const list = el("div", { class: "members" });
  shown = { room, list };
  drawMembers();
  openDialog(t("members_title", { room: roomTitle(state.rooms.find((one) => one.id === room)) }), () => list);
}

// Called again whenever the room changes, so that an open dialog never shows an old list.
export function drawMembers() {
  const room = shown && state.rooms.find((one) => one.id === shown.room);
  if (!room) return;
  const focused = document.activeElement?.dataset?.person;
  const inside = state.persons.filter((person) => room.members.includes(person.id));
  const outside = state.persons.filter((person) => !room.members.includes(person.id));
  shown.list.replaceChildren(
    el("ul", {}, inside.map((person) => memberRow(room, person, true))),
    outside.length ? el("h3", {}, t("not_inside")) : "",
    el("ul", {}, outside.map((person) => memberRow(room, person, false))));
  if (focused) shown.list.querySelector(`[data-person="${CSS.escape(focused)}"]`)?.focus();
}

function memberRow(room, person, inside) {
  const name = personName(person);
  const press = inside
    ? () => call("DELETE", `rooms/${room.id}/members/${person.id}`)
    : () => call("POST", `rooms/${room.id}/members`, { person: person.id });
  const button = el("button", { type: "button", class: inside ? "plain" : "primary", data: { person: person.id }, "aria-label": t(inside ? "expel_name" : "invite_name", { name }) }, t(inside ? "expel" : "invite"));
  button.addEventListener("click", () => { void press().catch(trouble); });
  return el("li", {}, face(person.id), el("span", { class: "grow" }, el("span", { class: "name" }, name, person.id === state.me ? ` (${t("you")})` : ""), el("span", { class: "muted" }, t(`role_${person.role}`))), button);
}
