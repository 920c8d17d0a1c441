// One call of this page, from either side: the states, the transport, and what
// is said to the other endpoint (the outside contract, section 6).

import { newID } from "./signal.js";

/** How long both sides may take to come up after the answer, in ms. */
export const JOIN_TIMEOUT = 20_000;

/** How long the line may be dead while talking, in ms. */
export const MEDIA_TIMEOUT = 8_000;

// The callee waits this much longer than the caller, who owns the ring timeout
// and the time limit, in ms.
const GRACE = 2_000;

/**
 * States of a call: "opening" (the microphone is asked for), "calling" (the
 * invite is out), "ringing_out", "ringing_in", "connecting" (answered),
 * "talking", "ended".
 */
export class Call extends EventTarget {
  state;
  reason = ""; // why it ended
  byUs = false; // we ended it
  detail = ""; // of the end, in words, where there is something to say
  talkingSince = 0; // performance.now() at which both sides were joined
  talkMs = 0;
  muted = false;
  peerMuted = false;

  #exchange;
  #media;
  #pc;
  #sender; // carries the microphone
  #remote; // the other side's sound
  #mic;
  #timers = new Map();
  #remoteSet = Promise.resolve(); // work on the peer connection, one after another
  #up = false; // the transport
  #joined = { us: false, them: false };
  #answering = false;
  #speaking = false; // answered: the microphone may be open
  #told = false; // the other side has our description, or will have it before what follows
  #early = []; // our candidates until then
  #waiting = []; // the other side's candidates until we have its description

  /** Do not call: see dial and ring. */
  constructor(role, parts, { id, self, peer, roomID, roomNum }) {
    super();
    Object.assign(this, { role, id, self, peer, roomID, roomNum });
    this.state = role === "caller" ? "opening" : "ringing_in";
    this.#exchange = parts.exchange;
    this.#media = parts.media;
    this.#pc = parts.peerConnection();
    this.#pc.addEventListener("icecandidate", (e) => {
      if (this.over) return;
      this.#early.push(e.candidate?.toJSON?.() ?? e.candidate ?? null);
      this.#tell();
    });
    this.#pc.addEventListener("connectionstatechange", () => this.#transport());
    this.#pc.addEventListener("track", (e) => {
      if (e.track.kind !== "audio") return;
      this.#remote = e.streams[0] ?? new MediaStream([e.track]);
      // A caller plays what comes; a callee nothing before it has answered.
      if (this.role === "caller" || this.#speaking) this.#media.play(this.#remote);
    });
  }

  /** Calls another endpoint. */
  static dial(parts, { self, peer, ringMs, businessType = 1 }) {
    const call = new Call("caller", parts, {
      id: newID(), self, peer, roomID: newID(), roomNum: randomNumber(),
    });
    call.#dial(ringMs, businessType);
    return call;
  }

  /** Takes an invite: rings until someone answers. */
  static ring(parts, { self, invite }) {
    const call = new Call("callee", parts, {
      id: invite.call_id, self, peer: invite.caller, roomID: invite.room_id, roomNum: invite.room_num,
    });
    call.#ring(invite);
    return call;
  }

  get over() {
    return this.state === "ended";
  }

  /** How long both have talked, in ms. */
  get talked() {
    return this.talkingSince && !this.over ? Math.round(performance.now() - this.talkingSince) : this.talkMs;
  }

  async #dial(ringMs, businessType) {
    try {
      // The microphone first: without it there is no call, and with the
      // permission the browser names its real addresses to the other side.
      this.#openMicrophone(await this.#media.microphone());
      if (this.over) return;
      this.#sender = this.#pc.addTrack(this.#mic.track, this.#mic.stream);
      await this.#pc.setLocalDescription();
    } catch (err) {
      return this.#end("join_failed", true, this.#media.explain(err));
    }
    if (this.over) return;
    const users = [this.self, this.peer].map(user);
    this.#exchange.post(this.peer.id, this.id, "invite", {
      caller: users[0], callees: [users[1]], room_id: this.roomID, room_num: this.roomNum, group_id: "",
      media: "audio", sdp: this.#pc.localDescription.sdp, ring_timeout_ms: ringMs, time_limit_ms: 0,
      user_data: "", business_type: businessType, priority: "normal",
    }, ringMs);
    this.#tell(true);
    this.#become("calling");
    this.#after("ring", ringMs, () => {
      this.#cancel("no_answer");
      this.#end("no_answer", true);
    });
  }

  async #ring(invite) {
    const ringMs = invite.ring_timeout_ms || 60_000;
    this.#after("ring", ringMs + GRACE, () => this.#end("no_answer", true));
    if (invite.time_limit_ms > 0) this.limitMs = invite.time_limit_ms + GRACE;
    try {
      await this.#pc.setRemoteDescription({ type: "offer", sdp: invite.sdp });
      await this.#flush();
      const transceiver = this.#pc.getTransceivers().find((t) => t.receiver.track?.kind === "audio");
      if (!transceiver) throw new Error("the offer has no audio");
      transceiver.direction = "sendrecv";
      this.#sender = transceiver.sender;
      // Where the browser would not ask, the microphone is opened, silent, while
      // it still rings: an answer is heard at once.
      if (await this.#media.permitted()) {
        await this.#media.microphone().then((mic) => this.#openMicrophone(mic), () => {});
      }
      if (this.#mic) await this.#sender.replaceTrack(this.#mic.track);
      await this.#pc.setLocalDescription();
    } catch (err) {
      if (this.over) return;
      this.#post("reject", { reason: "unsupported" });
      return this.#end("rejected", true, `This browser cannot take the call: ${err.message}`);
    }
    if (this.over) return;
    this.#post("ringing", { sdp: this.#pc.localDescription.sdp });
    this.#tell(true);
    this.dispatchEvent(new Event("prepared"));
  }

  /** Answers a ringing call. Rejects with an explanation if there is no microphone. */
  async answer() {
    if (this.state !== "ringing_in" || this.#answering) return;
    this.#answering = true;
    try {
      while (this.state === "ringing_in" && !this.#told) await once(this, "prepared", "change");
      if (this.over) return;
      if (!this.#mic) {
        this.#openMicrophone(await this.#media.microphone());
        await this.#sender.replaceTrack(this.#mic.track);
      }
    } catch (err) {
      throw new Error(this.#media.explain(err), { cause: err });
    } finally {
      this.#answering = false;
    }
    if (this.state !== "ringing_in") return; // it was withdrawn meanwhile
    this.#post("accept");
    this.#accepted();
  }

  /** Withdraws, declines or hangs up, whichever it is now. */
  hangUp() {
    switch (this.state) {
      case "opening":
        return this.#end("canceled", true);
      case "calling":
      case "ringing_out":
        this.#cancel("canceled");
        return this.#end("canceled", true);
      case "ringing_in":
        this.#post("reject", { reason: "rejected" });
        return this.#end("rejected", true);
      case "connecting":
      case "talking":
        this.#post("hangup", { reason: "hung_up", talk_ms: this.talked });
        return this.#end("hung_up", true);
    }
  }

  /** Withdraws our call because the other side calls us at the same time. */
  yieldTo() {
    this.#cancel("canceled");
    this.#end("canceled", true, "Both called at once.");
  }

  /** Closes or opens the microphone. */
  mute(on) {
    if (this.over || on === this.muted) return;
    this.muted = on;
    if (this.#mic) this.#mic.track.enabled = this.#speaking && !on;
    if (this.state === "talking" || this.state === "connecting") this.#post("state", { audio: !on, video: false });
    this.#changed();
  }

  /** Handles a message of the other endpoint. */
  take(m) {
    if (this.over) return;
    switch (m.type) {
      case "ringing":
        if (this.state === "calling") this.#become("ringing_out");
        return this.#describe(m.sdp);
      case "accept":
        if (this.state !== "calling" && this.state !== "ringing_out") return;
        this.#describe(m.sdp);
        return this.#accepted();
      case "reject":
        return this.#end(m.reason === "busy" ? "busy" : "rejected", false, rejections[m.reason] ?? "");
      case "cancel":
        // After our answer, too: the caller's first outcome stands.
        return this.#end(cancellations[m.reason] ?? "canceled", false);
      case "joined":
        this.#joined.them = true;
        return this.#maybeTalk();
      case "hangup":
        if (Math.abs((m.talk_ms ?? 0) - this.talked) <= 1000) this.talkMs = m.talk_ms ?? 0;
        else this.talkMs = this.talked;
        return this.#end(m.reason === "aborted" ? "aborted" : m.reason, false, m.cause ?? "", this.talkMs);
      case "candidate":
        return this.#candidate(m.candidate);
      case "update":
        return this.#update(m);
      case "state":
        this.peerMuted = m.audio === false;
        return this.#changed();
      case "message":
        return this.#post("message_ack", { ref: m.id, ok: false, error: "this console shows no messages" });
    }
  }

  /** A message of ours was refused. */
  refused(type, error) {
    if (this.over || error.code !== "unknown_call") return;
    this.#end("aborted", false, "The other side does not know this call (any more).");
  }

  /** A message of ours was never confirmed. */
  unanswered(type) {
    if (this.over) return;
    if (type === "invite") return; // the ring timer speaks
    this.#post("hangup", { reason: "aborted", cause: "wait_peer_timeout", talk_ms: this.talked });
    this.#end("aborted", true, "The other side stopped answering.");
  }

  /** The page has lost its address, and the call with it. */
  lost() {
    this.#end("aborted", true, "The connection to the service was lost for too long.");
  }

  #accepted() {
    this.#clear("ring");
    this.#speaking = true;
    if (this.#mic) this.#mic.track.enabled = !this.muted;
    if (this.#remote && this.role === "callee") this.#media.play(this.#remote);
    this.#become("connecting");
    this.#after("join", JOIN_TIMEOUT, () => {
      this.#post("hangup", { reason: "aborted", cause: "wait_peer_timeout", talk_ms: 0 });
      this.#end("aborted", true, "The sound connection could not be made.");
    });
    this.#join();
  }

  // joined is only said after the answer, when the transport is up.
  #join() {
    if (!this.#up || this.#joined.us || this.state !== "connecting") return;
    this.#joined.us = true;
    this.#post("joined");
    this.#maybeTalk();
  }

  #maybeTalk() {
    if (this.state !== "connecting" || !this.#joined.us || !this.#joined.them) return;
    this.#clear("join");
    this.talkingSince = performance.now();
    if (this.limitMs) {
      this.#after("limit", this.limitMs, () => {
        this.#post("hangup", { reason: "time_limit", talk_ms: this.talked });
        this.#end("time_limit", true);
      });
    }
    this.#become("talking");
  }

  #transport() {
    switch (this.#pc.connectionState) {
      case "connected":
        this.#up = true;
        this.#clear("media");
        return this.#join();
      case "disconnected":
        if (this.state === "talking") this.#after("media", MEDIA_TIMEOUT, () => this.#mediaLost());
        return;
      case "failed":
        if (this.state === "talking") this.#mediaLost();
    }
  }

  #mediaLost() {
    this.#post("hangup", { reason: "aborted", cause: "media_lost", talk_ms: this.talked });
    this.#end("aborted", true, "The sound connection was lost.");
  }

  // Takes the other side's answer; candidates wait for it.
  #describe(sdp) {
    if (!sdp || this.role !== "caller") return;
    this.#remoteSet = this.#remoteSet.then(async () => {
      if (this.#pc.signalingState === "have-local-offer") await this.#pc.setRemoteDescription({ type: "answer", sdp });
      await this.#flush();
    }).catch((err) => {
      if (this.over) return;
      this.#post("hangup", { reason: "aborted", cause: "internal", talk_ms: 0 });
      this.#end("aborted", true, `The other side's answer makes no sense: ${err.message}`);
    });
  }

  #candidate(candidate) {
    if (!candidate) return; // the end of them
    this.#waiting.push(candidate);
    this.#remoteSet = this.#remoteSet.then(() => this.#flush());
  }

  // Hands over the candidates that waited for the other side's description.
  async #flush() {
    if (!this.#pc.remoteDescription) return;
    for (const c of this.#waiting.splice(0)) {
      // A candidate that the browser does not like costs one way, not the call.
      await this.#pc.addIceCandidate(c).catch(() => {});
    }
  }

  // Sends our candidates, behind the description they belong to.
  #tell(told = this.#told) {
    this.#told = told;
    if (told) for (const candidate of this.#early.splice(0)) this.#post("candidate", { candidate });
  }

  // Answers a renegotiation.
  #update(m) {
    this.#remoteSet = this.#remoteSet.then(async () => {
      await this.#pc.setRemoteDescription({ type: "offer", sdp: m.sdp });
      await this.#pc.setLocalDescription();
      this.#post("updated", { sdp: this.#pc.localDescription.sdp, media: "audio" });
    }).catch(() => {}); // the running sound goes on as it was
  }

  #openMicrophone(mic) {
    if (this.over) return mic.close();
    this.#mic = mic;
    mic.track.enabled = this.#speaking && !this.muted;
  }

  #cancel(reason) {
    this.#exchange.forget(this.peer.id, this.id, "invite");
    this.#post("cancel", { reason });
  }

  #post(type, fields) {
    this.#exchange.post(this.peer.id, this.id, type, fields);
  }

  #end(reason, byUs, detail = "", talkMs = this.talked) {
    if (this.over) return;
    this.talkMs = talkMs;
    Object.assign(this, { state: "ended", reason, byUs, detail });
    for (const name of [...this.#timers.keys()]) this.#clear(name);
    this.#mic?.close();
    this.#media.stop();
    this.#pc.close();
    this.#changed();
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #after(name, ms, f) {
    this.#clear(name);
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name);
      f();
    }, ms));
  }

  #clear(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

const rejections = {
  do_not_disturb: "Do not disturb is on.",
  forbidden: "Calls from here are not allowed.",
  unsupported: "The other side cannot take this kind of call.",
  join_failed: "The other side has no working sound.",
};

const cancellations = {
  no_answer: "no_answer",
  answered_elsewhere: "answered_elsewhere",
  rejected_elsewhere: "rejected_elsewhere",
  join_failed: "join_failed",
};

const user = ({ id, name }) => ({ id, name: name || id, avatar: "", extra: "" });

/** A random positive number of 31 bits. */
function randomNumber() {
  return (crypto.getRandomValues(new Uint32Array(1))[0] >>> 1) || 1;
}

/** Waits for the first of some events. */
function once(target, ...types) {
  return new Promise((resolve) => {
    for (const type of types) target.addEventListener(type, resolve, { once: true });
  });
}
