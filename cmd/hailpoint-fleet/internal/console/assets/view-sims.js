// A panel for each simulated terminal: its buttons, its lamps, and how loud its
// speaker is.

import { el, meter, sync } from "./dom.js";

const CLICK = 90; // ms that a press by keyboard or by a program lasts

/** Shows panels; hold(id, button, down) presses and lets go. name(id) is a terminal's. */
export class SimsView {
  #section = document.getElementById("sims-section");
  #list = document.getElementById("sims");
  #sims = new Map();
  #hold;
  #name;

  constructor({ hold, name }) {
    this.#hold = hold;
    this.#name = name;
  }

  replace(sims) {
    this.#sims = new Map(sims.map((s) => [s.id, s]));
    this.render();
  }

  update(sim) {
    this.#sims.set(sim.id, sim);
    this.render();
  }

  levels(levels) {
    for (const node of this.#list.children) {
      if (node.dataset.key in levels) node.level(levels[node.dataset.key]);
    }
  }

  render() {
    this.#section.hidden = this.#sims.size === 0;
    sync(this.#list, [...this.#sims.values()], { key: (s) => s.id, make: (s) => this.#panel(s), update: (n, s) => n.show(s) });
  }

  #panel(sim) {
    const title = el("h3.card-title");
    const hears = meter(`${sim.id} hears`);
    const lamps = el("ul.lamps", { "aria-label": "Lamps" });
    const node = el("li.card.panel", {},
      el("div.panel-head", {}, title, el("code.card-id", {}, sim.id)),
      lamps,
      el("div.panel-buttons", {}, ...sim.buttons.map((b) => this.#button(sim.id, b))),
      el("p.panel-hears", {}, el("span.quiet", {}, "Speaker"), hears.node));
    hears.set(0);
    node.level = (level) => hears.set(level);
    node.show = (s) => {
      title.textContent = this.#name(s.id);
      sync(lamps, Object.entries(s.lamps), {
        key: ([name]) => name,
        make: ([name]) => el("li.lamp", {}, el("span.lamp-glass", { "aria-hidden": "true" }), name),
        update: (n, [name, on]) => {
          n.classList.toggle("lit", on);
          n.setAttribute("aria-label", `${name}: ${on ? "on" : "off"}`);
        },
      });
    };
    return node;
  }

  // A button that is held as long as the finger is down.
  #button(id, name) {
    let down = false;
    let timer;
    const set = (to) => {
      clearTimeout(timer);
      if (to === down) return;
      down = to;
      node.classList.toggle("held", to);
      this.#hold(id, name, to);
    };
    const node = el("button.push", {
      type: "button", "data-name": name,
      onpointerdown: (e) => {
        if (e.button !== 0) return;
        node.setPointerCapture(e.pointerId);
        set(true);
      },
      onpointerup: () => set(false),
      onpointercancel: () => set(false),
      onlostpointercapture: () => set(false),
      onkeydown: (e) => {
        if ((e.key === " " || e.key === "Enter") && !e.repeat) set(true);
      },
      onkeyup: () => set(false),
      onblur: () => set(false),
      onclick: (e) => {
        if (e.pointerType || e.detail > 0 || down) return; // pointer and keys did it already
        set(true);
        timer = setTimeout(() => set(false), CLICK);
      },
    }, el("span.push-cap", { "aria-hidden": "true" }), name);
    return node;
  }
}
