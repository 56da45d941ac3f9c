// A form inside a card, and the dialog a form opens in.
import { byId, el, icon } from "./dom.js";
import { t } from "./words.js";

let count = 0;
const ISO_DATE = /^(\d{4}-\d{2}-\d{2})?$/;
const TYPES = { phone: "tel", email: "email" };

export function drawForm(form, scene) {
  const fields = form.fields.map((field) => drawField(field, scene));
  const submit = el("button", { type: "submit", class: "primary" }, form.submit);
  const cancel = form.cancel && scene.cancel
    ? el("button", { type: "button", class: "plain", onclick: scene.cancel }, form.cancel) : null;
  const problem = el("p", { class: "field-error", role: "alert", hidden: true });
  const node = el("form", { class: "fields", novalidate: true, autocomplete: "off" },
    fields.map((field) => field.node), problem, el("div", { class: "actions" }, submit, cancel));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(form, fields, submit, problem, scene);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
  });
  return node;
}

async function send(form, fields, submit, problem, scene) {
  if (submit.disabled) return;
  submit.disabled = true;
  problem.hidden = true;
  const label = submit.textContent;
  submit.textContent = t("saving", {}, scene.locale);
  for (const field of fields) field.complain("");
  const values = Object.fromEntries(fields.map((field) => [field.name, field.read()]));
  const tokens = Object.fromEntries(fields.filter((field) => field.token).map((field) => [field.name, field.token]));
  const errors = await scene.submit(form, values, tokens);
  submit.disabled = false;
  submit.textContent = label;
  if (errors) complain(fields, problem, errors);
}

function complain(fields, problem, errors) {
  let first = null;
  const left = [];
  for (const [name, text] of Object.entries(errors)) {
    const field = fields.find((one) => one.name === name);
    if (field) {
      field.complain(text);
      first ||= field;
    } else {
      left.push(text);
    }
  }
  problem.hidden = left.length === 0;
  problem.replaceChildren(icon("warning"), left.join(" "));
  first?.input.focus();
}

function drawField(field, scene) {
  const id = `field-${++count}`;
  const input = drawInput(field, id);
  const error = el("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const hint = [field.hint, field.source].filter(Boolean).map((text, index) =>
    el("p", { class: index || !field.hint ? "source" : "hint", dir: "auto" }, text));
  const about = el("div", { id: `${id}-about` }, hint);
  const node = el("div", { class: "field" }, el("label", { for: id, dir: "auto" }, field.label), input, error, about);
  const complaint = (text) => {
    error.hidden = !text;
    error.replaceChildren(...(text ? [icon("warning"), text] : []));
    input.setAttribute("aria-invalid", String(Boolean(text)));
    input.setAttribute("aria-describedby", text ? `${id}-error ${id}-about` : `${id}-about`);
  };
  complaint(field.error || "");
  return { node, input, name: field.name, token: field.token, read: () => input.value, complain: complaint };
}

function drawInput(field, id) {
  const shared = { id, name: field.name, dir: "auto" };
  if (field.kind === "choice") {
    const known = field.options.includes(field.value) ? field.options : [field.value, ...field.options];
    const labels = new Map(field.options.map((option, index) => [option, field.option_labels?.[index]]));
    return el("select", { ...shared, value: undefined }, known.map((option) =>
      el("option", { value: option, selected: option === field.value }, labels.get(option) || option || "—")));
  }
  if (field.kind === "long") return el("textarea", { ...shared, rows: 3, maxlength: field.max_length, value: field.value });
  const dated = field.kind === "date" && ISO_DATE.test(field.value);
  const type = dated ? "date" : TYPES[field.kind] || "text";
  const mode = field.kind === "decimal" ? "decimal" : undefined;
  return el("input", { ...shared, type, inputmode: mode, maxlength: dated ? undefined : field.max_length, value: field.value });
}

// The one dialog of the page. Focus goes back to where it came from when it closes, Esc closes it.
export function openDialog(title, build) {
  const dialog = byId("dialog");
  if (dialog.open) dialog.close();
  const back = document.activeElement;
  const close = () => dialog.close();
  const head = el("header", { class: "dialog-head" }, el("h2", { id: "dialog-title", dir: "auto" }, title),
    el("button", { type: "button", class: "iconic", "aria-label": t("close"), title: t("close"), onclick: close }, icon("close")));
  dialog.replaceChildren(head, el("div", { class: "dialog-body" }, build(close)));
  dialog.onclose = () => {
    if (dialog.open) return; // opened again before the event of its closing came
    dialog.replaceChildren();
    if (back?.isConnected) back.focus();
  };
  dialog.showModal();
  dialog.querySelector("input, select, textarea, .dialog-body button")?.focus();
  return close;
}
