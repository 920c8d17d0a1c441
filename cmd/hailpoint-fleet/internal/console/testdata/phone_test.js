// The page's phone, run without a browser: the sound and the transport are
// replaced, the messages are the real ones.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { JOIN_TIMEOUT } from "../assets/call.js";
import { Phone } from "../assets/phone.js";

class Transport extends EventTarget {
  connectionState = "new";
  signalingState = "stable";
  candidates = [];
  localDescription = null;
  remoteDescription = null;
  #transceiver = { receiver: { track: { kind: "audio" } }, sender: { replaceTrack: async (t) => (this.track = t) } };

  addTrack(track) {
    this.track = track;
    return this.#transceiver.sender;
  }
  getTransceivers() {
    return [this.#transceiver];
  }
  async setLocalDescription() {
    this.localDescription = { sdp: this.remoteDescription ? "our answer" : "our offer" };
    this.signalingState = this.remoteDescription ? "stable" : "have-local-offer";
    const e = new Event("icecandidate");
    e.candidate = { candidate: "candidate:1" };
    this.dispatchEvent(e);
  }
  async setRemoteDescription(d) {
    if (d.sdp === "nonsense") throw new Error("nonsense");
    this.remoteDescription = d;
    this.signalingState = "stable";
  }
  async addIceCandidate(c) {
    this.candidates.push(c);
  }
  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  close() {
    this.connectionState = "closed";
  }
}

class Media {
  refused = false;
  granted = true;
  opened = 0;
  async permitted() {
    return this.granted && !this.refused;
  }
  async microphone() {
    if (this.refused) throw new Error("no");
    this.opened++;
    this.track = { enabled: true };
    return { track: this.track, stream: {}, close: () => this.opened-- };
  }
  explain(err) {
    return `explained: ${err.message}`;
  }
  play() {}
  stop() {}
}

let media, sent, phone, transport, n, ids;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  media = new Media();
  sent = [];
  ids = 0;
  n = 0;
  phone = new Phone({
    send: (to, message) => {
      sent.push(message);
      // The other side has everything at once.
      if (message.type !== "received" && message.type !== "error") {
        phone.take(to, { v: 1, id: `r${ids++}`, type: "received", call_id: message.call_id, ref: message.id });
      }
    },
    media,
    peerConnection: () => (transport = new Transport()),
  });
  phone.register({ id: "desk-m", name: "Mo" }, 30_000);
});

afterEach(() => mock.timers.reset());

const settle = async () => {
  for (let i = 0; i < 30; i++) await Promise.resolve();
};
const from = (type, fields = {}, who = "kiosk", call = phone.call.id) => {
  phone.take(who, { v: 1, id: `m${ids++}`, type, call_id: call, n: n++, at: 1, ...fields });
  return settle();
};
const invite = (who = "kiosk", call = "call-1", fields = {}) => {
  n = 0;
  return from("invite", { caller: { id: who, name: "Kiosk" }, callees: [], sdp: "offer", media: "audio", ring_timeout_ms: 20_000, ...fields }, who, call);
};
const said = () => sent.splice(0).map((m) => m.type).filter((t) => t !== "received" && t !== "candidate");
const dial = async () => {
  phone.dial({ id: "kiosk", name: "Kiosk" });
  await settle();
};
const connect = async () => {
  await dial();
  await from("ringing", { sdp: "their answer" });
  await from("accept");
  transport.become("connected");
  await from("joined");
};

test("a call goes from invite to talk, the microphone opens with the answer", async () => {
  await dial();
  const first = sent.find((m) => m.type === "invite");
  assert.deepEqual([first.n, first.sdp, first.caller.id, first.callees[0].id, first.media], [0, "our offer", "desk-m", "kiosk", "audio"]);
  assert.equal(first.ring_timeout_ms, 30_000);
  assert.equal(phone.call.state, "calling");
  assert.equal(media.track.enabled, false, "nobody hears anything before the answer");
  await from("ringing", { sdp: "their answer" });
  assert.equal(phone.call.state, "ringing_out");
  assert.equal(transport.remoteDescription.sdp, "their answer");
  transport.become("connected");
  assert.deepEqual(said(), ["invite"], "joined is not said before the answer");
  await from("accept");
  assert.equal(media.track.enabled, true);
  assert.deepEqual(said(), ["joined"]);
  await from("joined");
  assert.equal(phone.call.state, "talking");
  phone.call.hangUp();
  const last = sent.at(-1);
  assert.deepEqual([last.type, last.reason], ["hangup", "hung_up"]);
  assert.ok(last.talk_ms >= 0);
  assert.equal(media.opened, 0, "the microphone is closed again");
});

test("candidates go out behind the invite and are kept until there is an answer", async () => {
  await dial();
  assert.deepEqual(sent.map((m) => m.type), ["invite", "candidate"]);
  await from("candidate", { candidate: { candidate: "theirs" } });
  assert.deepEqual(transport.candidates, []);
  await from("ringing", { sdp: "their answer" });
  assert.deepEqual(transport.candidates, [{ candidate: "theirs" }]);
});

test("a terminal calls: the transport is prepared while it rings", async () => {
  await invite();
  assert.equal(phone.call.state, "ringing_in");
  assert.deepEqual(said(), ["ringing"]);
  assert.equal(media.track.enabled, false);
  transport.become("connected");
  await phone.call.answer();
  assert.deepEqual(said(), ["accept", "joined"]);
  assert.equal(media.track.enabled, true);
  await from("joined");
  assert.equal(phone.call.state, "talking");
  await from("hangup", { reason: "hung_up", talk_ms: 0 });
  assert.deepEqual([phone.call.state, phone.call.reason, phone.call.byUs], ["ended", "hung_up", false]);
});

test("where the browser would ask, the microphone is opened with the answer only", async () => {
  media.granted = false;
  await invite();
  assert.equal(media.opened, 0);
  await phone.call.answer();
  assert.equal(media.opened, 1);
  assert.equal(transport.track, media.track);
});

test("without a microphone a ringing call goes on ringing and says why", async () => {
  media.refused = true;
  await invite();
  await assert.rejects(phone.call.answer(), /explained: no/);
  assert.equal(phone.call.state, "ringing_in");
  media.refused = false;
  await phone.call.answer();
  assert.equal(phone.call.state, "connecting");
});

test("without a microphone no call goes out", async () => {
  media.refused = true;
  await dial();
  assert.deepEqual([phone.call.state, phone.call.detail], ["ended", "explained: no"]);
  assert.deepEqual(said(), []);
});

for (const [name, act, want] of [
  ["an unanswered call is withdrawn", () => phone.call.hangUp(), ["cancel", "canceled"]],
  ["a call that rings too long is withdrawn", () => mock.timers.tick(30_000), ["cancel", "no_answer"]],
]) {
  test(name, async () => {
    await dial();
    await from("ringing");
    act();
    const { type, reason } = sent.filter((m) => m.type !== "candidate").at(-1);
    assert.deepEqual([type, reason], want);
    assert.equal(phone.busy, false);
  });
}

for (const [name, type, fields, want] of [
  ["declined", "reject", { reason: "rejected" }, "rejected"],
  ["busy", "reject", { reason: "busy" }, "busy"],
  ["hung up before both were joined", "hangup", { reason: "aborted", cause: "wait_peer_timeout" }, "aborted"],
]) {
  test(`the other side can end a call: ${name}`, async () => {
    await dial();
    await from(type, fields);
    assert.deepEqual([phone.call.state, phone.call.reason, phone.call.byUs], ["ended", want, false]);
  });
}

test("a caller can withdraw its call, even after the answer", async () => {
  await invite();
  await phone.call.answer();
  await from("cancel", { reason: "answered_elsewhere" });
  assert.deepEqual([phone.call.state, phone.call.reason], ["ended", "answered_elsewhere"]);
});

test("declining a call says so", async () => {
  await invite();
  phone.call.hangUp();
  assert.equal(sent.at(-1).reason, "rejected");
});

test("a second caller is told that this page is busy", async () => {
  await invite();
  said();
  await invite("other", "call-2");
  assert.deepEqual(said(), ["reject"]);
  assert.equal(phone.call.id, "call-1");
});

test("an invite in another's name is refused", async () => {
  await invite("kiosk", "call-1", { caller: { id: "chief" } });
  assert.equal(sent.at(-1).reason, "forbidden");
  assert.equal(phone.call, null);
});

test("an offer that the browser does not understand is refused", async () => {
  await invite("kiosk", "call-1", { sdp: "nonsense" });
  assert.equal(sent.at(-1).reason, "unsupported");
  assert.equal(phone.busy, false);
});

test("only the caller may cancel, and only a party may speak", async () => {
  await dial();
  sent.length = 0;
  await from("cancel", { reason: "canceled" });
  assert.equal(sent.at(-1).code, "not_allowed");
  await from("dance");
  assert.equal(sent.at(-1).code, "unknown_type");
  phone.take("stranger", { v: 1, id: "s", type: "hangup", call_id: phone.call.id, n: 0, at: 1, reason: "hung_up" });
  assert.equal(sent.at(-1).code, "unknown_call");
  assert.equal(phone.call.state, "calling");
});

test("of two that call each other the lower address's call stands", async () => {
  await dial(); // kiosk is above desk-m
  const ours = phone.call.id;
  said();
  await invite("kiosk", "theirs");
  assert.equal(phone.call.id, ours);
  assert.deepEqual(said(), []);

  phone.call.hangUp();
  phone.dial({ id: "alarm", name: "Alarm" }); // below desk-m
  await settle();
  said();
  await invite("alarm", "theirs-2");
  await settle();
  assert.equal(phone.call.id, "theirs-2");
  assert.deepEqual(said(), ["cancel", "ringing", "accept"]);
});

test("an answered call that does not come up is given up", async () => {
  await dial();
  await from("accept", { sdp: "their answer" });
  mock.timers.tick(JOIN_TIMEOUT);
  const { type, reason, cause } = sent.at(-1);
  assert.deepEqual([type, reason, cause], ["hangup", "aborted", "wait_peer_timeout"]);
});

test("a dead line ends the call, a short hiccup does not", async () => {
  await connect();
  transport.become("disconnected");
  mock.timers.tick(5000);
  transport.become("connected");
  mock.timers.tick(60_000);
  assert.equal(phone.call.state, "talking");
  transport.become("disconnected");
  mock.timers.tick(8000);
  assert.deepEqual([sent.at(-1).reason, sent.at(-1).cause], ["aborted", "media_lost"]);
});

test("muting closes the microphone and tells the other side", async () => {
  await connect();
  said();
  phone.call.mute(true);
  assert.deepEqual([media.track.enabled, sent.at(-1).type, sent.at(-1).audio], [false, "state", false]);
  phone.call.mute(false);
  assert.equal(media.track.enabled, true);
});

test("a page that got another address has lost its call", async () => {
  await connect();
  phone.register({ id: "desk-n", name: "Mo" }, 30_000);
  assert.deepEqual([phone.call.state, phone.call.reason], ["ended", "aborted"]);
});

test("messages for a call that is over are confirmed and change nothing", async () => {
  await connect();
  const { id } = phone.call;
  phone.call.hangUp();
  sent.length = 0;
  await from("hangup", { reason: "hung_up" }, "kiosk", id);
  assert.deepEqual(sent.map((m) => m.type), ["received"]);
});
