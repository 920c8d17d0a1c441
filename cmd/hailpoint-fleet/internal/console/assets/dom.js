// Small helpers to build and fill the page.

/** Makes an element: el("button.button", {type: "button", onclick: f}, "Text", node, …). */
export function el(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

/** Sets a text, and only touches the page if it is another. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/** 73000 -> "1:13". */
export function clock(ms) {
  const s = Math.floor(ms / 1000);
  const parts = [Math.floor(s / 60) % 60, s % 60];
  if (s >= 3600) parts.unshift(Math.floor(s / 3600));
  return parts.map((v, i) => (i ? String(v).padStart(2, "0") : v)).join(":");
}

/** How long ago, in words: "now", "5 min ago", "3 days ago". */
export function ago(at, now = Date.now()) {
  if (!at) return "never";
  const s = Math.max(0, (now - at) / 1000);
  if (s < 45) return "now";
  if (s < 90 * 60) return `${Math.round(s / 60)} min ago`;
  if (s < 36 * 3600) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

/** A time of day, with the date if that is not today's. */
export function when(at) {
  const d = new Date(at);
  const time = d.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  if (d.toDateString() === new Date().toDateString()) return time;
  return `${d.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/**
 * Keeps the children of list in step with items: makes, updates, moves and
 * removes as little as possible, so that focus and open details stay.
 */
export function sync(list, items, { key, make, update }) {
  const have = new Map();
  for (const node of list.children) have.set(node.dataset.key, node);
  let at = list.firstElementChild;
  for (const item of items) {
    const k = key(item);
    let node = have.get(k);
    if (node) {
      have.delete(k);
    } else {
      node = make(item);
      node.dataset.key = k;
    }
    update(node, item);
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
  for (const node of have.values()) node.remove();
}

/** A level meter; set(0…100) moves it. */
export function meter(label) {
  const bar = el("span.meter-bar");
  const node = el("span.meter", { role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  return {
    node,
    set(level) {
      bar.style.setProperty("--level", String(level / 100));
      node.setAttribute("aria-valuenow", String(level));
    },
  };
}
