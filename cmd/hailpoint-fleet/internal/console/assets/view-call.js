// The call of this page: the panel that rings, and the one to talk.

import { clock, el, meter, text } from "./dom.js";
import { REASONS } from "./words.js";

const SHOWN_AFTER_END = 6_000; // ms

/** Shows phone's call in the dock and lets the operator act on it. */
export class CallView {
  #dock = document.getElementById("dock");
  #say = document.getElementById("say");
  #phone;
  #sound;
  #shown = null; // the call that the nodes below belong to
  #state = "";
  #nodes;
  #problem = "";
  #timer;
  #closing;

  constructor({ phone, sound }) {
    this.#phone = phone;
    this.#sound = sound;
    phone.addEventListener("change", () => this.#render());
    phone.addEventListener("incoming", () => this.#announce());
    document.addEventListener("keydown", (e) => this.#key(e));
  }

  #render() {
    const call = this.#phone.call;
    if (call !== this.#shown) this.#build(call);
    if (!call) return;
    const n = this.#nodes;
    if (call.state !== this.#state) {
      this.#state = call.state;
      this.#dock.dataset.state = call.state;
      this.#tones(call);
      this.#ticking(call);
      if (call.state === "talking") this.#tell(`Connected to ${n.who.textContent}`);
      if (call.over) {
        this.#tell(`Call ended: ${REASONS[call.reason] ?? call.reason}`);
        clearTimeout(this.#closing);
        // What went wrong stays until it was read.
        if (!call.detail) this.#closing = setTimeout(() => this.#phone.call === call && this.#phone.clear(), SHOWN_AFTER_END);
      }
      if (call.state === "ringing_in") n.answer.focus();
    }
    text(n.title, this.#title(call));
    text(n.detail, this.#problem || call.detail || (call.peerMuted ? "The other side has muted its microphone." : ""));
    n.detail.classList.toggle("notice-bad", this.#problem !== "");
    n.answer.hidden = call.state !== "ringing_in";
    n.mute.hidden = !["connecting", "talking"].includes(call.state);
    n.mute.setAttribute("aria-pressed", String(call.muted));
    text(n.mute, call.muted ? "Unmute" : "Mute");
    text(n.end, { ringing_in: "Decline", connecting: "Hang up", talking: "Hang up", ended: "Close" }[call.state] ?? "Cancel");
    n.end.classList.toggle("button-bad", !call.over);
    n.levels.hidden = !["connecting", "talking"].includes(call.state);
    text(n.time, call.talkingSince ? clock(call.talked) : "");
  }

  #build(call) {
    this.#shown = call;
    this.#state = "";
    this.#problem = "";
    this.#dock.hidden = !call;
    this.#sound.tone("");
    clearInterval(this.#timer);
    if (!call) {
      this.#dock.replaceChildren();
      return;
    }
    const them = meter("The other side");
    const us = meter("Your microphone");
    const n = this.#nodes = {
      who: el("h2.dock-who", {}, call.peer.name || call.peer.id),
      title: el("p.dock-title"),
      time: el("p.dock-time", { role: "timer", "aria-label": "Talk time" }),
      detail: el("p.dock-detail", { role: "status" }),
      levels: el("div.dock-levels", {},
        el("span.quiet", {}, "Hearing"), them.node, el("span.quiet", {}, "Speaking"), us.node),
      answer: el("button.button.button-good.button-big", { type: "button", onclick: () => this.#answer() }, "Answer"),
      mute: el("button.button.button-big", { type: "button", onclick: () => call.mute(!call.muted) }, "Mute"),
      end: el("button.button.button-big", { type: "button", onclick: () => this.#end() }, "Hang up"),
      them, us,
    };
    this.#dock.replaceChildren(
      el("div.dock-pulse", { "aria-hidden": "true" }),
      el("div.dock-names", {}, n.title, n.who, el("code.quiet", {}, call.peer.id)),
      n.time, n.levels, el("div.dock-buttons", {}, n.answer, n.mute, n.end), n.detail);
  }

  async #answer() {
    const call = this.#phone.call;
    this.#problem = "";
    try {
      await call.answer();
    } catch (err) {
      this.#problem = err.message;
      this.#tell(err.message);
    }
    this.#render();
  }

  #end() {
    if (this.#phone.busy) this.#phone.call.hangUp();
    else this.#phone.clear();
  }

  #title(call) {
    switch (call.state) {
      case "opening":
        return "Opening the microphone…";
      case "calling":
        return "Reaching…";
      case "ringing_out":
        return "Rings at";
      case "ringing_in":
        return "Incoming call";
      case "connecting":
        return "Connecting…";
      case "talking":
        return call.muted ? "Talking · you are muted" : "Talking";
    }
    return REASONS[call.reason] ?? call.reason;
  }

  #tones(call) {
    const failed = call.over && !call.byUs && call.reason !== "hung_up" && call.role === "caller";
    this.#sound.tone({ ringing_in: "ring", ringing_out: "ringback" }[call.state] ?? (failed ? "busy" : ""));
    if (failed) setTimeout(() => this.#phone.call === call && this.#sound.tone(""), 2500);
    document.title = { ringing_in: `☎ ${call.peer.name || call.peer.id}`, talking: `● ${call.peer.name || call.peer.id}` }[call.state] ?? "Hailpoint";
  }

  #ticking(call) {
    clearInterval(this.#timer);
    if (!["connecting", "talking"].includes(call.state)) return;
    this.#timer = setInterval(() => {
      const { local, remote } = this.#sound.levels();
      this.#nodes.them.set(remote);
      this.#nodes.us.set(call.muted ? 0 : local);
      text(this.#nodes.time, call.state === "talking" ? clock(call.talked) : "");
    }, 100);
  }

  #announce() {
    const { peer } = this.#phone.call;
    this.#tell(`${peer.name || peer.id} calls. Press A to answer, or Escape to decline.`);
  }

  #tell(words) {
    text(this.#say, words);
  }

  // A answers, M mutes, Escape ends.
  #key(e) {
    if (!this.#phone.busy || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
    if (e.target instanceof HTMLInputElement) return;
    const call = this.#phone.call;
    if (e.key === "a" && call.state === "ringing_in") this.#answer();
    else if (e.key === "m" && call.state === "talking") call.mute(!call.muted);
    else if (e.key === "Escape") this.#end();
    else return;
    e.preventDefault();
  }
}
