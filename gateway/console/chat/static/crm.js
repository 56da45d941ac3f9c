// The CRM's own screen: a change here is made behind the gateway's back.
import { byId, el, icon } from "./dom.js";
import { call } from "./api.js";
import { when } from "./time.js";
import { toast, trouble } from "./toast.js";
import { has, locale, t } from "./words.js";

let open = null; // the record on the screen
let query = "";
let asked = 0;

export function drawCrm() {
  const about = el("p", { class: "muted small" }, t("crm_about"));
  if (open) byId("crm").replaceChildren(about, drawRecord(open));
  else {
    byId("crm").replaceChildren(about, drawSearch(), el("ul", { id: "hits", class: "hits" }));
    void search();
  }
}

function drawSearch() {
  const input = el("input", { type: "search", id: "crm-query", value: query, "aria-label": t("crm_search"), placeholder: t("crm_search") });
  let timer = 0;
  input.addEventListener("input", () => {
    query = input.value;
    clearTimeout(timer);
    timer = setTimeout(() => void search(), 200);
  });
  return el("form", { role: "search", onsubmit: (event) => { event.preventDefault(); void search(); } }, input);
}

async function search() {
  const mine = ++asked;
  try {
    const { hits } = await call("GET", `crm?q=${encodeURIComponent(query)}`);
    const list = byId("hits");
    if (mine !== asked || !list) return;
    list.replaceChildren(...hits.map((hit) => el("li", {}, el("button", { type: "button", class: "pick", onclick: () => void show(hit.id) },
      el("span", { class: "grow" }, el("span", { class: "name", dir: "auto" }, hit.title), el("span", { class: "muted", dir: "auto" }, hit.city))))));
    if (!hits.length) list.replaceChildren(el("li", { class: "muted" }, t("crm_none")));
  } catch (error) {
    trouble(error);
  }
}

async function show(id) {
  try {
    open = await call("GET", `crm/${encodeURIComponent(id)}`);
    drawCrm();
    byId("crm").querySelector("button")?.focus();
  } catch (error) {
    trouble(error);
  }
}

// Somebody may have changed the record through a card: read it again unless a field is being edited.
export async function refreshCrm() {
  if (!open || byId("crm").hidden || byId("crm").querySelector("form.dirty")) return;
  const fresh = await call("GET", `crm/${encodeURIComponent(open.id)}`).catch(() => null);
  if (!fresh || !open || fresh.id !== open.id || fresh.version === open.version) return;
  open = fresh;
  if (!byId("crm").contains(document.activeElement)) drawCrm();
}

function drawRecord(record) {
  const back = el("button", { type: "button", class: "quiet", onclick: () => { open = null; drawCrm(); byId("crm-query").focus(); } }, `← ${t("crm_back")}`);
  const risk = el("button", { type: "button", class: "plain", onclick: () => raise(record) }, icon("warning"), t("crm_risk"));
  return el("div", { class: "record" }, back,
    el("div", { class: "record-head" }, el("h3", { dir: "auto" }, record.title), el("span", { class: "badge" }, t("crm_version", { n: record.version }))),
    record.risks.length ? el("ul", { class: "risks" }, record.risks.map((one) => el("li", {}, icon("warning"), el("span", { dir: "auto" }, one.text)))) : null,
    record.fields.map((field) => drawField(record, field)), el("div", { class: "actions" }, risk));
}

const labelOf = (field) => field.labels[locale()] || (has(`field_${field.name}`) ? t(`field_${field.name}`) : field.label || field.name);
const optionOf = (field, value) => field.option_labels[value]?.[locale()] || value || "—";

function drawField(record, field) {
  const id = `crm-${field.name}`;
  const input = field.kind === "choice"
    ? el("select", { id }, [...new Set([field.value, ...field.options])].map((one) => el("option", { value: one, selected: one === field.value }, optionOf(field, one))))
    : el("input", { id, type: "text", value: field.value, dir: "auto", maxlength: 10_000, readonly: !field.writable });
  const save = el("button", { type: "submit", class: "primary", "aria-label": `${t("save")}: ${labelOf(field)}` }, t("save"));
  const form = el("form", { class: "crm-field" }, el("label", { for: id, dir: "auto" }, labelOf(field)), el("div", { class: "line" }, input, field.writable ? save : null));
  if (field.at) form.append(el("p", { class: "muted small" }, field.by ? `${field.by} · ` : "", when(field.at)));
  input.addEventListener("input", () => form.classList.toggle("dirty", input.value !== field.value));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void change("PUT", `crm/${encodeURIComponent(record.id)}`, { field: field.name, value: input.value }, "crm_saved", id);
  });
  return form;
}

const raise = (record) => change("POST", `crm/${encodeURIComponent(record.id)}/risk`, {}, "crm_risk_done", "");

async function change(method, path, body, words, focus) {
  try {
    open = await call(method, path, body);
    drawCrm();
    if (focus) byId(focus)?.focus();
    toast(t(words), "info");
  } catch (error) {
    trouble(error);
  }
}
