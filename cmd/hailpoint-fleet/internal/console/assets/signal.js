// The exchange of call signalling: numbers, repeats and confirms this page's
// messages, and orders, confirms and drops the repeats of the others'
// (the outside contract, section 6). Time, ids and the wire are given to it, so that tests
// can run it without any of the three.

/** How long a message other than an invite is repeated, in ms. */
export const GIVE_UP = 10_000;

/** How long the ids of a call are kept after their last use, in ms. */
export const REMEMBER = 120_000;

// The bounds of what one exchange keeps, so that no peer can make it grow.
const MAX_CONVERSATIONS = 256;
const MAX_HELD = 64; // messages ahead of a missing one
const MAX_SEEN = 4096; // ids of one conversation

/** The waits before the repeats of a message, in ms: 0.5, 1, 2, 2, … s. */
export function repeatAfter(tries) {
  return [500, 1000][tries] ?? 2000;
}

/** Makes a UUIDv7 (RFC 9562, section 5.7). */
export function newID(now = Date.now()) {
  const b = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) b[i] = Math.floor(now / 2 ** (40 - 8 * i)) % 256;
  b[6] = (b[6] & 0x0f) | 0x70;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * Delivers messages between this endpoint and others over a wire that may lose,
 * repeat and reorder them.
 *
 * on.send(to, message)        puts one message on the wire
 * on.judge(from, message)     says what is wrong with a message: "" is nothing,
 *                             "unknown_call", "not_allowed", …
 * on.arrived(from, message)   takes a message: each once, in order
 * on.refused(by, callID, type, error)   the peer answered ours with an error
 * on.unanswered(by, callID, type)       ours was repeated in vain
 */
export class Exchange {
  #on;
  #now;
  #newID;
  #talks = new Map(); // "peer call" -> conversation
  #withdrawn = new Map(); // the same of cancels that came before their invite -> when

  constructor(on, { now = () => performance.now(), id = newID } = {}) {
    this.#on = on;
    this.#now = now;
    this.#newID = id;
  }

  /**
   * Numbers and sends a message. Those behind an invite wait until that is
   * confirmed, lest one overtakes it and is refused as unknown; forget the invite
   * before sending its cancel.
   */
  post(to, callID, type, fields = {}, patience = GIVE_UP) {
    const talk = this.#talk(to, callID);
    const message = {
      v: 1, id: this.#newID(), type, call_id: callID, n: talk.nextOut++, at: Date.now(), ...fields,
    };
    talk.out.push({ message, patience, onWire: false, tries: 0, next: 0, expires: 0 });
    if (message.n === 0 || !waitsForInvite(talk)) this.#release(talk);
    return message;
  }

  /** Stops repeating messages of a type, such as a withdrawn invite. */
  forget(to, callID, type) {
    const talk = this.#talks.get(key(to, callID));
    if (talk) talk.out = talk.out.filter((s) => s.message.type !== type);
  }

  /** Stops repeating whatever is left of a call. */
  drop(to, callID) {
    const talk = this.#talks.get(key(to, callID));
    if (talk) talk.out = [];
  }

  /** Handles one message from the wire. from is proven by the service. */
  take(from, m) {
    if (!m || typeof m !== "object" || m.v !== 1 || typeof m.id !== "string" || typeof m.call_id !== "string") return;
    if (m.type === "received") return this.#confirmed(from, m);
    if (m.type === "error") return this.#refused(from, m);
    if (!Number.isSafeInteger(m.n) || m.n < 0) return this.#fail(from, m, "malformed");
    this.#request(from, m);
  }

  #request(from, m) {
    const k = key(from, m.call_id);
    let talk = this.#talks.get(k);
    if (talk?.seen.has(m.id)) {
      talk.used = this.#now();
      return this.#answer(from, m, "received", { ref: m.id });
    }
    const verdict = this.#on.judge(from, m);
    if (verdict === "unknown_call" && m.type !== "invite") {
      if (m.type === "cancel") {
        if (this.#withdrawn.size < MAX_CONVERSATIONS) this.#withdrawn.set(k, this.#now());
        return this.#answer(from, m, "received", { ref: m.id });
      }
      return this.#fail(from, m, verdict);
    }
    if (m.type === "invite" && this.#withdrawn.has(k)) {
      return this.#answer(from, m, "received", { ref: m.id });
    }
    talk = this.#talk(from, m.call_id);
    if (m.n < talk.nextIn) return this.#fail(from, m, "out_of_order");
    // Not answered, so that the peer repeats it when there is room again.
    if (m.n - talk.nextIn > MAX_HELD || talk.seen.size >= MAX_SEEN) return;
    talk.seen.add(m.id);
    if (verdict && verdict !== "unknown_call") {
      talk.held.set(m.n, null); // refused, but it has used its number
      this.#fail(from, m, verdict);
    } else {
      talk.held.set(m.n, m);
      this.#answer(from, m, "received", { ref: m.id });
    }
    for (; talk.held.has(talk.nextIn); talk.nextIn++) {
      const next = talk.held.get(talk.nextIn);
      talk.held.delete(talk.nextIn);
      if (next) this.#on.arrived(from, next);
    }
  }

  #confirmed(from, m) {
    const talk = this.#talks.get(key(from, m.call_id));
    if (!talk || !remove(talk, m.ref)) return;
    talk.used = this.#now();
    this.#release(talk);
  }

  #refused(from, m) {
    const talk = this.#talks.get(key(from, m.call_id));
    if (!talk) return; // for no message of ours
    const ours = remove(talk, m.ref);
    if (ours) this.#release(talk);
    this.#on.refused(from, m.call_id, ours?.message.type ?? "", { code: m.code, detail: m.detail ?? "" });
  }

  /** Repeats what is due and gives up what was repeated long enough. */
  expire() {
    const now = this.#now();
    for (const [k, talk] of [...this.#talks]) {
      for (const s of [...talk.out]) {
        if (!s.onWire) continue;
        if (now >= s.expires) {
          remove(talk, s.message.id);
          this.#on.unanswered(talk.peer, talk.callID, s.message.type);
        } else if (now >= s.next) {
          this.#put(talk, s);
        }
      }
      this.#release(talk);
      if (talk.out.length === 0 && now - talk.used >= REMEMBER) this.#talks.delete(k);
    }
    for (const [k, at] of [...this.#withdrawn]) {
      if (now - at >= REMEMBER) this.#withdrawn.delete(k);
    }
  }

  /** Marks a call as in use, so that its ids are not forgotten while it runs. */
  keep(peer, callID) {
    const talk = this.#talks.get(key(peer, callID));
    if (talk) talk.used = this.#now();
  }

  /** Whether messages are waiting for their confirmation. */
  get pending() {
    for (const talk of this.#talks.values()) if (talk.out.length > 0) return true;
    return false;
  }

  // Sends what waited for the confirmation of an invite.
  #release(talk) {
    const waits = waitsForInvite(talk);
    for (const s of talk.out) {
      if (!s.onWire && (!waits || s.message.n === 0)) this.#put(talk, s);
    }
  }

  #put(talk, s) {
    const now = this.#now();
    if (!s.onWire) {
      s.onWire = true;
      s.expires = now + s.patience;
    }
    s.next = now + repeatAfter(s.tries++);
    this.#on.send(talk.peer, s.message);
  }

  #fail(to, m, code) {
    this.#answer(to, m, "error", { ref: m.id, code });
  }

  // Answers bear no number and are not repeated: the peer asks again.
  #answer(to, m, type, fields) {
    this.#on.send(to, { v: 1, id: this.#newID(), type, call_id: m.call_id, at: Date.now(), ...fields });
  }

  #talk(peer, callID) {
    const k = key(peer, callID);
    let talk = this.#talks.get(k);
    if (!talk) {
      if (this.#talks.size >= MAX_CONVERSATIONS) this.#evict();
      talk = { peer, callID, nextOut: 0, out: [], nextIn: 0, held: new Map(), seen: new Set(), used: 0 };
      this.#talks.set(k, talk);
    }
    talk.used = this.#now();
    return talk;
  }

  // Forgets the conversation that was silent longest.
  #evict() {
    let oldest;
    for (const [k, talk] of this.#talks) {
      if (!oldest || talk.used < this.#talks.get(oldest).used) oldest = k;
    }
    this.#talks.delete(oldest);
  }
}

const key = (peer, callID) => `${peer} ${callID}`;

function waitsForInvite(talk) {
  const first = talk.out[0]?.message;
  return first?.n === 0 && first.type === "invite";
}

function remove(talk, id) {
  const i = talk.out.findIndex((s) => s.message.id === id);
  return i < 0 ? undefined : talk.out.splice(i, 1)[0];
}
