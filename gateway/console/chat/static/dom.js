// Everything a person wrote enters the page as text, here, and nowhere as markup.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "value") node.value = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SHAPES = {
  info: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 7.2v4M8 4.9v.1",
  warning: "M8 2 14.8 13.8H1.2ZM8 6.4v3.4M8 11.8v.1",
  danger: "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3ZM8 4.8v4M8 11.1v.1",
  neutral: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z",
  eye: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  pencil: "M2.5 13.5 3 10.6 10.7 3a1.6 1.6 0 0 1 2.3 2.3L5.4 13Z",
  bin: "M3 4.5h10M6.5 4.2V2.7h3v1.5M4.3 4.5l.6 8.8h6.2l.6-8.8",
  quote: "M6.5 4.5 3 8l3.5 3.5M3.2 8h6.3a3.3 3.3 0 0 1 3.3 3.3",
  close: "M4 4l8 8M12 4l-8 8",
  box: "M3 3h10v10H3Z",
  ticked: "M3 3h10v10H3ZM5.6 8.2l1.8 1.8 3.2-3.8",
  lock: "M4 7.5h8v6H4ZM5.7 7.3V5.2a2.3 2.3 0 0 1 4.6 0v2.1",
  outside: "M6.5 3.5h-3v9h9v-3M9 2.8h4.2V7M13 3 7.5 8.5",
  person: "M8 7.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM3 13.6c.4-2.7 2.4-4 5-4s4.600 1.300 5 4",
  waiting: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM8 4.500V8l2.500 1.600",
  card: "M2 3.500h12v6H2ZM4.500 6h4M4.500 12.500h5",
  plus: "M8 3v10M3 8h10",
  scales: "M8 2.500v11M4.500 13.500h7M3 5h10M3 5l-1.700 4.500h3.400ZM13 5l-1.700 4.500h3.400Z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", "aria-hidden": "true", class: "icon" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

export const byId = (id) => document.getElementById(id);

export function safeUrl(url) {
  if (typeof url !== "string") return "";
  if (/^\/(?![/\\])/.test(url)) return url;
  try {
    const parsed = new URL(url);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed.href : "";
  } catch {
    return "";
  }
}

export function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private windows may forbid it; nothing depends on it */ }
}

export function recall(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

// Announces to screen readers; the pause lets the same words be heard twice.
export function announce(text) {
  const place = byId("announcer");
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 50);
}
