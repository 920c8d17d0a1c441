// The page as an endpoint of calls: one call at a time, and an answer to
// everyone who calls meanwhile.

import { Call } from "./call.js";
import { Exchange, REMEMBER } from "./signal.js";

const EXPIRE_EVERY = 250; // ms

// Which side may say what.
const CALLER_ONLY = new Set(["cancel"]);
const CALLEE_ONLY = new Set(["ringing", "accept", "reject"]);
const NOBODY = new Set(["kick", "roster"]); // there are no group calls here
const EITHER = new Set([
  "joined", "hangup", "property", "recording", "candidate", "update", "updated", "state", "message", "message_ack",
]);

/**
 * Events: "change" when the call, or something of it, is another; "incoming"
 * when somebody calls.
 */
export class Phone extends EventTarget {
  self = { id: "", name: "" };
  ringMs = 60_000;
  call = null; // the present one, or the last

  #parts;
  #exchange;
  #ended = new Map(); // "peer call" of calls that are over -> when

  /**
   * send(to, message) puts a message on the wire; media is the sound;
   * peerConnection makes an RTCPeerConnection.
   */
  constructor({ send, media, peerConnection, clock }) {
    super();
    this.#exchange = new Exchange({
      send,
      judge: (from, m) => this.#judge(from, m),
      arrived: (from, m) => this.#arrived(from, m),
      refused: (by, id, type, error) => this.#of(by, id)?.refused(type, error),
      unanswered: (by, id, type) => this.#of(by, id)?.unanswered(type),
    }, clock);
    this.#parts = { exchange: this.#exchange, media, peerConnection };
    setInterval(() => this.#expire(), EXPIRE_EVERY);
  }

  get busy() {
    return this.call !== null && !this.call.over;
  }

  /** Takes the address that the service gave this page. */
  register(self, ringMs) {
    if (this.busy && this.self.id !== self.id) this.call.lost();
    this.self = self;
    this.ringMs = ringMs;
    this.dispatchEvent(new Event("change"));
  }

  /** Calls another endpoint. */
  dial(peer) {
    if (this.busy || !this.self.id) return;
    this.#use(Call.dial(this.#parts, { self: this.self, peer, ringMs: this.ringMs }));
  }

  /** Takes a signalling message. */
  take(from, message) {
    this.#exchange.take(from, message);
  }

  /** Ends the call at once, as when the page is closed. */
  leave() {
    if (this.busy) this.call.hangUp();
  }

  /** Forgets a call that is over. */
  clear() {
    if (this.busy) return;
    this.call = null;
    this.dispatchEvent(new Event("change"));
  }

  #expire() {
    this.#exchange.expire();
    if (this.busy) this.#exchange.keep(this.call.peer.id, this.call.id);
    const now = performance.now();
    for (const [k, at] of [...this.#ended]) if (now - at > REMEMBER) this.#ended.delete(k);
  }

  // The running call with this peer and id.
  #of(peer, id) {
    return this.busy && this.call.id === id && this.call.peer.id === peer ? this.call : undefined;
  }

  #judge(from, m) {
    if (m.type === "invite") return "";
    const call = this.#of(from, m.call_id);
    if (!call) return this.#ended.has(`${from} ${m.call_id}`) ? "" : "unknown_call";
    if (NOBODY.has(m.type)) return "not_allowed";
    if (!EITHER.has(m.type) && !CALLER_ONLY.has(m.type) && !CALLEE_ONLY.has(m.type)) return "unknown_type";
    if (CALLER_ONLY.has(m.type) && call.role === "caller") return "not_allowed";
    if (CALLEE_ONLY.has(m.type) && call.role === "callee") return "not_allowed";
    return "";
  }

  #arrived(from, m) {
    if (m.type !== "invite") return this.#of(from, m.call_id)?.take(m);
    const refuse = (reason) => {
      this.#ended.set(`${from} ${m.call_id}`, performance.now());
      this.#exchange.post(from, m.call_id, "reject", { reason });
    };
    if (m.caller?.id !== from) return refuse("forbidden");
    if (typeof m.sdp !== "string" || !m.sdp) return refuse("unsupported");
    if (!this.busy) return this.#ring(m);
    if (this.call.id === m.call_id) return;
    // Both call each other at once: the call of the lower address stands.
    const glare = this.call.role === "caller" && this.call.peer.id === from &&
      ["opening", "calling", "ringing_out"].includes(this.call.state);
    if (!glare) return refuse("busy");
    if (this.self.id < from) {
      this.#ended.set(`${from} ${m.call_id}`, performance.now()); // its cancel follows
      return;
    }
    this.call.yieldTo();
    this.#ring(m);
    this.call.answer().catch(() => this.call.hangUp());
  }

  #ring(invite) {
    this.#use(Call.ring(this.#parts, { self: this.self, invite }));
    this.dispatchEvent(new Event("incoming"));
  }

  #use(call) {
    this.call = call;
    call.addEventListener("change", () => {
      if (call.over) this.#ended.set(`${call.peer.id} ${call.id}`, performance.now());
      if (this.call === call) this.dispatchEvent(new Event("change"));
    });
    this.dispatchEvent(new Event("change"));
  }
}
