// What the browser still has to be asked for: the microphone, and to let sound
// out.

import { el } from "./dom.js";
import { checkContext, explain } from "./sound.js";

/** Shows in #ready what is missing, and how to get it. */
export class ReadyView {
  #node = document.getElementById("ready");
  #sound;
  #problem = "";

  constructor({ sound }) {
    this.#sound = sound;
    sound.addEventListener("ready", () => this.render());
    // Any click lets sound out: the one on "Call" too.
    const unlock = () => sound.unlocked || sound.unlock();
    document.addEventListener("pointerdown", unlock);
    document.addEventListener("keydown", unlock);
    navigator.permissions?.query({ name: "microphone" }).then((p) => {
      p.addEventListener("change", () => {
        this.#problem = "";
        this.render();
      });
    }, () => {});
  }

  async render() {
    try {
      checkContext();
    } catch (err) {
      return this.#show("bad", el("p", {}, explain(err)));
    }
    const permission = await this.#sound.permission();
    if (this.#problem || permission === "denied") {
      return this.#show("bad", el("p", {}, this.#problem || explain({ name: "NotAllowedError" })), this.#button("Try again"));
    }
    if (permission === "prompt") {
      return this.#show("ask", el("p", {}, "To talk, this page needs the microphone. Nothing is heard before you call or answer."),
        this.#button("Allow the microphone"));
    }
    if (!this.#sound.unlocked) {
      return this.#show("ask", el("p", {}, "The browser keeps this page silent until you click: then it can ring."),
        el("button.button.button-main", { type: "button", onclick: () => this.#sound.unlock() }, "Turn on sound"));
    }
    this.#node.hidden = true;
  }

  #button(label) {
    return el("button.button.button-main", { type: "button", onclick: () => this.#ask() }, label);
  }

  // Opens the microphone once, so that the browser asks now and not when it rings.
  async #ask() {
    this.#problem = "";
    try {
      (await this.#sound.microphone()).close();
    } catch (err) {
      this.#problem = explain(err);
    }
    this.render();
  }

  #show(kind, ...nodes) {
    this.#node.dataset.kind = kind;
    this.#node.replaceChildren(...nodes);
    this.#node.hidden = false;
  }
}
