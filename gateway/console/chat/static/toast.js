// Short words that come and go. A danger interrupts a screen reader, everything else waits its turn.
import { byId, el, icon } from "./dom.js";
import { t } from "./words.js";

export function toast(text, tone = "neutral") {
  const danger = tone === "danger";
  const node = el("div", { class: `toast tone-${tone}` }, tone === "neutral" ? null : icon(tone), el("p", { dir: "auto" }, text));
  node.append(el("button", { type: "button", class: "iconic", "aria-label": t("close"), onclick: () => node.remove() }, icon("close")));
  byId(danger ? "alarms" : "toasts").append(node);
  let left = setTimeout(() => node.remove(), danger ? 12_000 : 6_000);
  node.addEventListener("pointerenter", () => clearTimeout(left));
  node.addEventListener("pointerleave", () => { left = setTimeout(() => node.remove(), 3_000); });
}

export const trouble = (error) => {
  if (!error.code) console.error(error);
  toast(error.message, "danger");
};
