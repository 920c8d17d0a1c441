// The list of terminals: who is there, what each does, and a button to call it.

import { ago, el, sync, text } from "./dom.js";
import { terminalState } from "./words.js";

/** Shows terminals in list; onCall(terminal) is called by a card's button. */
export class TerminalsView {
  #list = document.getElementById("terminals");
  #none = document.getElementById("terminals-none");
  #count = document.getElementById("terminals-count");
  #terminals = new Map();
  #mayCall = false;
  #onCall;

  constructor({ onCall }) {
    this.#onCall = onCall;
    setInterval(() => this.#render(), 10_000); // "last seen" grows older
  }

  name(id) {
    return this.#terminals.get(id)?.name || id;
  }

  get(id) {
    return this.#terminals.get(id);
  }

  replace(all) {
    this.#terminals = new Map(all.map((t) => [t.id, t]));
    this.#render();
  }

  update(t) {
    this.#terminals.set(t.id, t);
    this.#render();
  }

  /** Whether this page could begin a call now. */
  allow(mayCall) {
    if (mayCall === this.#mayCall) return;
    this.#mayCall = mayCall;
    this.#render();
  }

  #render() {
    const all = [...this.#terminals.values()].sort(order);
    sync(this.#list, all, { key: (t) => t.id, make: () => this.#card(), update: (n, t) => n.show(t) });
    this.#none.hidden = all.length > 0;
    const online = all.filter((t) => t.presence === "online").length;
    text(this.#count, all.length ? `${online} of ${all.length} online` : "");
  }

  #card() {
    let shown;
    const title = el("h3.card-title");
    const id = el("code.card-id");
    const state = el("span.state");
    const seen = el("span.seen.quiet");
    const faults = el("ul.faults");
    const button = el("button.button.button-main", { type: "button", onclick: () => this.#onCall(shown) }, "Call");
    const node = el("li.card.terminal", {},
      el("div.card-head", {}, el("span.dot", { "aria-hidden": "true" }), el("div.card-names", {}, title, id), button),
      el("p.card-line", {}, state, seen), faults);
    node.show = (t) => {
      shown = t;
      node.dataset.presence = t.presence;
      node.dataset.state = t.presence === "online" ? t.state : "";
      text(title, t.name || t.id);
      text(id, t.id);
      id.hidden = !t.name || t.name === t.id;
      text(state, terminalState(t) + (t.muted ? " · muted" : ""));
      text(seen, t.presence === "online" ? "" : `last seen ${ago(t.last_seen)}`);
      seen.title = t.last_seen ? new Date(t.last_seen).toLocaleString() : "";
      button.disabled = !this.#mayCall || t.presence !== "online" || (t.state && t.state !== "idle");
      button.setAttribute("aria-label", `Call ${t.name || t.id}`);
      sync(faults, t.faults ?? [], { key: (f) => f, make: (f) => el("li", {}, f), update: () => {} });
      faults.hidden = !t.faults?.length;
    };
    return node;
  }
}

// Those that are there first, then by name.
function order(a, b) {
  const there = (t) => (t.presence === "online" ? 0 : 1);
  return there(a) - there(b) || (a.name || a.id).localeCompare(b.name || b.id, undefined, { numeric: true });
}
