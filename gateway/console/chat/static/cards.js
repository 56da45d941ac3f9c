// Draws a card tree. Every string is text; a block nobody knows yet degrades to its words, never to nothing.
import { el, icon, safeUrl } from "./dom.js";
import { exact } from "./time.js";
import { t } from "./words.js";
import { drawForm } from "./forms.js";

const HIDDEN = new Set(["at", "data", "token"]); // changes with every drawing, and nobody reads it
const WIDE = 17;
const LONG = 420;

// `press(button, node)` is called for a button, `submit(form, values, tokens)` for a form.
export function drawCard(card, context, before = null) {
  const locale = card.locale === "zh-CN" || card.locale === "en" ? card.locale : undefined;
  const scene = { ...context, locale, changed: changes(card, before) };
  const tone = toneOf(card.tone);
  const root = el("article", { class: `card tone-${tone}`, lang: locale, "aria-label": card.summary || undefined });
  for (const group of grouped(card.blocks)) root.append(drawGroup(group, scene));
  return root;
}

const toneOf = (tone) => (["info", "warning", "danger"].includes(tone) ? tone : "neutral");

// Blocks that are not in the card as it was before: these alone are shown to have changed.
function changes(card, before) {
  if (!before) return () => false;
  const words = (block) => JSON.stringify(block, (key, value) => (HIDDEN.has(key) ? undefined : value));
  const known = new Set(before.blocks.map(words));
  return (block) => !known.has(words(block));
}

const LISTED = { fact: "facts", note: "notes", open_item: "items", risk: "risks", row: "rows" };

function grouped(blocks) {
  const groups = [];
  for (const block of blocks) {
    const list = LISTED[block.type];
    const last = groups[groups.length - 1];
    if (list && last?.list === list) last.blocks.push(block);
    else groups.push({ list, blocks: [block] });
  }
  return groups;
}

function drawGroup({ list, blocks }, scene) {
  if (!list) return marked(draw(blocks[0], scene), blocks[0], scene);
  const tag = list === "facts" ? "dl" : "ul";
  const listed = list === "facts" && blocks.some((block) => block.source);
  return el(tag, { class: listed ? "facts listed" : list }, blocks.map((block) => marked(draw(block, scene), block, scene)));
}

function marked(node, block, scene) {
  if (block.type !== "actions" && block.type !== "footer" && scene.changed(block)) node.classList.add("changed");
  return node;
}

const DRAWN = {
  title: drawTitle, text: drawText, heading: drawHeading, fact: drawFact, note: drawNote, open_item: drawItem,
  risk: drawRisk, row: drawRow, columns: drawColumns, divider: () => el("hr"), link: drawLink, code: drawCode,
  actions: drawActions, form: (block, scene) => drawForm(block, scene), footer: drawFooter,
};

function draw(block, scene) {
  return (DRAWN[block.type] || drawUnknown)(block, scene);
}

function drawUnknown(block) {
  const words = Object.entries(block).filter(([key, value]) => key !== "type" && typeof value === "string");
  return el("p", { class: "muted" }, words.map(([, value]) => value).join(" · "));
}

export function longText(text, tag = "span", className = "") {
  const node = el(tag, { class: `words ${className}`.trim(), dir: "auto" }, text);
  if (text.length <= LONG) return node;
  node.classList.add("clamped");
  const more = el("button", { type: "button", class: "linklike", "aria-expanded": "false", onclick: toggle }, t("show_all"));
  function toggle() {
    const open = node.classList.toggle("clamped") === false;
    more.setAttribute("aria-expanded", String(open));
    more.textContent = t(open ? "show_less" : "show_all");
  }
  return el("span", { class: "long" }, node, more);
}

function drawTitle(block) {
  const url = safeUrl(block.url);
  const words = longText(block.text, "span", "name");
  const name = url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words) : words;
  return el("div", { class: "title" }, el("h3", {}, name), (block.badges || []).map(drawBadge));
}

function drawBadge(badge) {
  const tone = toneOf(badge.tone);
  return el("span", { class: `badge tone-${tone}`, dir: "auto" }, tone === "warning" || tone === "danger" ? icon(tone) : null, badge.text);
}

function drawText(block, scene) {
  const tone = toneOf(block.tone);
  if (tone === "neutral") return el("p", { class: "prose" }, longText(block.text));
  const word = el("span", { class: "sr" }, `${t(`tone_${tone}`, {}, scene.locale)}: `);
  return el("p", { class: `prose toned tone-${tone}` }, icon(tone), el("span", {}, word, longText(block.text)));
}

function drawHeading(block) {
  return el("h4", { dir: "auto" }, block.text);
}

const width = (text) => [...text].reduce((sum, letter) => sum + (letter.codePointAt(0) > 0x2e80 ? 2 : 1), 0);

function drawFact(block, scene) {
  const wide = width(block.value) > WIDE;
  const marks = [
    block.editable && el("span", { class: "mark", title: t("editable", {}, scene.locale) }, icon("pencil"), el("span", { class: "sr" }, t("editable", {}, scene.locale))),
    block.undecided && el("span", { class: "badge tone-warning" }, icon("scales"), t("undecided", {}, scene.locale)),
  ];
  const value = el("dd", { title: block.at ? exact(block.at) : undefined }, longText(block.value, "span", "value"), marks);
  if (block.source) value.append(el("span", { class: "source", dir: "auto" }, block.source));
  return el("div", { class: wide ? "fact wide" : "fact" }, el("dt", { dir: "auto" }, block.label), value);
}

function drawNote(block) {
  const date = el("time", { title: block.at ? exact(block.at) : undefined }, block.date);
  return el("li", {}, date, el("span", { class: "who", dir: "auto" }, block.who), longText(block.text));
}

function drawItem(block, scene) {
  const state = block.done ? "done" : block.overdue ? "overdue" : "";
  const spoken = state ? el("span", { class: "sr" }, ` (${t(state, {}, scene.locale)})`) : null;
  const due = block.due
    ? el("span", { class: block.overdue ? "due tone-danger" : "due", title: block.at ? exact(block.at) : undefined },
        block.overdue ? icon("warning") : null, block.due)
    : null;
  return el("li", { class: state }, icon(block.done ? "ticked" : "box"), el("span", {}, longText(block.text), spoken), due);
}

const LEVELS = { high: "danger", medium: "warning", low: "neutral" };

function drawRisk(block) {
  const tone = LEVELS[block.level] || "warning";
  const pill = el("span", { class: `badge tone-${tone}` }, icon(tone === "neutral" ? "info" : "warning"), block.word);
  return el("li", {}, pill, longText(block.text));
}

function drawRow(block, scene) {
  const tone = toneOf(block.tone);
  const mark = tone === "neutral" ? null : el("span", { class: `tone-${tone} mark` }, icon(tone), el("span", { class: "sr" }, t(`tone_${tone}`, {}, scene.locale)));
  const words = el("div", { class: "grow" }, el("p", { class: "name" }, mark, longText(block.title)),
    block.text ? el("p", { class: "muted" }, longText(block.text)) : null);
  return el("li", {}, words, block.button ? drawButton(block.button, scene, block.title) : null);
}

function drawColumns(block, scene) {
  const cells = block.columns.map((column) => {
    const who = [column.who, column.when].filter(Boolean).join(" · ");
    return el("div", { class: column.button?.style === "primary" ? "column yours" : "column" },
      el("h4", { dir: "auto" }, column.label), longText(column.value, "p", "value"),
      el("p", { class: "muted", title: column.at ? exact(column.at) : undefined }, el("span", { dir: "auto" }, who),
        column.source ? el("span", { class: "source", dir: "auto" }, column.source) : null),
      column.button ? drawButton(column.button, scene, column.value) : null);
  });
  return el("div", { class: "columns" }, cells);
}

function drawLink(block) {
  const url = safeUrl(block.url);
  if (!url) return el("p", { class: "prose", dir: "auto" }, block.text);
  return el("p", { class: "prose" }, el("a", { href: url, target: "_blank", rel: "noopener noreferrer", dir: "auto" }, block.text));
}

function drawCode(block) {
  return el("p", {}, el("code", {}, block.text));
}

const SHOWN = 3;

function drawActions(block, scene) {
  const buttons = block.buttons.map((button) => drawButton(button, scene));
  const row = el("div", { class: "actions", role: "group", "aria-label": t("menu", {}, scene.locale) });
  if (buttons.length <= SHOWN) return appended(row, buttons);
  const rest = buttons.slice(SHOWN);
  const more = el("button", { type: "button", class: "plain", "aria-expanded": "false", "aria-label": t("more", {}, scene.locale), title: t("more", {}, scene.locale), onclick: reveal }, "…");
  function reveal() {
    more.replaceWith(...rest);
    rest[0].focus();
  }
  return appended(row, [...buttons.slice(0, SHOWN), more]);
}

function appended(node, children) {
  node.append(...children);
  return node;
}

function drawButton(button, scene, about = "") {
  const style = ["primary", "danger"].includes(button.style) ? button.style : "plain";
  const attributes = { type: "button", class: style, data: { key: `${button.action} ${button.label}` } };
  if (about) attributes["aria-label"] = `${button.label}: ${about.slice(0, 80)}`;
  const node = el("button", attributes, button.label);
  node.addEventListener("click", () => scene.press(button, node));
  return node;
}

function drawFooter(block) {
  const parts = [block.as_of, block.source, block.trace].filter(Boolean);
  return el("p", { class: "footer", title: block.at ? exact(block.at) : undefined, dir: "auto" }, parts.join(" · "));
}
