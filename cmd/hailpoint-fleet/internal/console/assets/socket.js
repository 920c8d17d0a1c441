// The page's one connection to the service: it says hello, comes back by itself
// when it was lost, and takes up its address again where that is possible.

const FIRST_WAIT = 300; // ms
const LONG_WAIT = 10_000; // ms

/**
 * Events: "open" and "closed"; "message", whose detail is an object that the
 * service sent; "logged_out" when the service does not know this page any more.
 */
export class Socket extends EventTarget {
  #url;
  #ws = null;
  #tries = 0;
  #desk = { address: "", secret: "" };

  constructor(url) {
    super();
    this.#url = url;
  }

  get open() {
    return this.#ws?.readyState === WebSocket.OPEN && this.#greeted;
  }
  #greeted = false;

  connect() {
    const ws = new WebSocket(this.#url);
    this.#ws = ws;
    this.#greeted = false;
    ws.addEventListener("open", () => ws.send(JSON.stringify({ hello: this.#desk })));
    ws.addEventListener("message", (e) => this.#take(JSON.parse(e.data)));
    ws.addEventListener("close", () => this.#closed());
  }

  /** Sends an object; it is lost while there is no connection. */
  send(message) {
    if (this.open) this.#ws.send(JSON.stringify(message));
  }

  #take(m) {
    if (m.hello) {
      this.#desk = { address: m.hello.address, secret: m.hello.secret };
      this.#greeted = true;
      this.#tries = 0;
      this.dispatchEvent(new Event("open"));
    }
    this.dispatchEvent(new CustomEvent("message", { detail: m }));
  }

  async #closed() {
    const was = this.#greeted;
    this.#greeted = false;
    if (was) this.dispatchEvent(new Event("closed"));
    // A refused login and a dead service look alike to a WebSocket.
    if (!was && await loggedOut()) {
      this.dispatchEvent(new Event("logged_out"));
      return;
    }
    const wait = Math.min(LONG_WAIT, FIRST_WAIT * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    setTimeout(() => this.connect(), wait);
  }
}

async function loggedOut() {
  try {
    return (await fetch("/api/calls?limit=1")).status === 401;
  } catch {
    return false; // nobody there
  }
}
