// The history of calls, each with the timeline of its events.

import { clock, el, sync, text, when } from "./dom.js";
import { CALL_STATES, eventWords, REASONS } from "./words.js";

const MOST = 1000; // calls kept on the page

/**
 * Shows the calls. watch(id) asks the service for a call's timeline, "" for none;
 * more(before) for earlier calls; name(id) is what an address is called here.
 */
export class CallsView {
  #list = document.getElementById("calls");
  #none = document.getElementById("calls-none");
  #more = document.getElementById("calls-more");
  #calls = new Map();
  #open = ""; // the call whose timeline is shown
  #timeline = null;
  #watch;
  #name;

  constructor({ watch, more, name }) {
    this.#watch = watch;
    this.#name = name;
    this.#more.addEventListener("click", () => {
      const oldest = Math.min(...[...this.#calls.values()].map((c) => c.began_at));
      if (Number.isFinite(oldest)) more(oldest);
    });
  }

  replace(calls) {
    this.#calls = new Map(calls.map((c) => [c.id, c]));
    this.#more.hidden = calls.length < 50;
    this.#render();
    if (this.#open) this.#watch(this.#open); // after a new connection
  }

  older(calls) {
    for (const c of calls) if (!this.#calls.has(c.id)) this.#calls.set(c.id, c);
    this.#more.hidden = calls.length < 50 || this.#calls.size >= MOST;
    this.#render();
  }

  update(call) {
    this.#calls.set(call.id, call);
    this.#render();
  }

  timeline({ call, events }) {
    if (call.id !== this.#open) return;
    if (this.#timeline && this.#timeline.events.length > events.length) return; // an older answer, overtaken
    this.#timeline = { call, events };
    this.#calls.set(call.id, call);
    this.#render();
  }

  /** Opens the timeline of a call; "" closes it. */
  show(id) {
    this.#open = id;
    this.#timeline = null;
    this.#watch(id);
    this.#render();
  }

  #render() {
    const all = [...this.#calls.values()].sort((a, b) => b.began_at - a.began_at);
    sync(this.#list, all, { key: (c) => c.id, make: (c) => this.#row(c.id), update: (n, c) => n.show(c) });
    this.#none.hidden = all.length > 0;
  }

  #row(id) {
    const who = el("span.call-who");
    const result = el("span.call-result");
    const time = el("time.quiet");
    const events = el("ol.timeline", { id: `timeline-${id}` });
    const toggle = el("button.call-head", {
      type: "button", "aria-expanded": "false", "aria-controls": `timeline-${id}`,
      onclick: () => this.show(this.#open === id ? "" : id),
    }, el("span.call-mark", { "aria-hidden": "true" }), who, result, time);
    const node = el("li.call", {}, toggle, events);
    node.show = (c) => {
      const open = this.#open === id;
      node.dataset.outcome = outcome(c);
      text(who, `${this.#label(c.caller)} → ${this.#label(c.callee?.id ? c.callee : c.callees?.[0])}`);
      text(result, summary(c));
      text(time, when(c.began_at));
      time.dateTime = new Date(c.began_at).toISOString();
      toggle.setAttribute("aria-expanded", String(open));
      events.hidden = !open;
      if (open && this.#timeline) this.#fill(events, this.#timeline);
      else if (!open) events.replaceChildren();
    };
    return node;
  }

  // Who a party is: as the call says, else as this page knows it.
  #label(u) {
    return u?.name || (u?.id ? this.#name(u.id) : "nobody");
  }

  #fill(list, { call, events }) {
    const several = new Set(events.map((e) => e.device_id)).size > 1;
    sync(list, events, {
      key: (e) => e.id,
      make: (e) => {
        const { title, detail } = eventWords(e);
        return el("li.event", { "data-name": e.name, "data-side": e.device_id === call.caller?.id ? "caller" : "callee" },
          el("time.event-time", { datetime: new Date(e.at).toISOString(), title: new Date(e.at).toLocaleString() },
            `+${((e.at - call.began_at) / 1000).toFixed(3)}`),
          el("span.event-what", {}, el("span.event-title", {}, title), el("span.quiet", {}, detail)),
          several ? el("code.event-device", {}, e.device_id) : "");
      },
      update: () => {},
    });
  }
}

function outcome(c) {
  if (c.state !== "ended") return "running";
  return c.connected_at ? "talked" : "missed";
}

function summary(c) {
  if (c.state !== "ended") return CALL_STATES[c.state] ?? c.state;
  const reason = REASONS[c.reason] ?? c.reason ?? "Ended";
  return c.connected_at ? `${clock(c.talk_ms)} · ${reason}` : reason;
}
