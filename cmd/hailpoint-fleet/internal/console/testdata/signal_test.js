// The exchange, run without a browser: two of them over a wire that the test
// holds in its hands.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Exchange, GIVE_UP, newID, REMEMBER } from "../assets/signal.js";

/** An exchange with a clock and a wire of the test. */
function endpoint({ judge = () => "" } = {}) {
  let ids = 0;
  const e = { time: 0, wire: [], got: [], refused: [], unanswered: [] };
  e.x = new Exchange({
    send: (to, message) => e.wire.push({ to, ...message }),
    judge,
    arrived: (from, m) => e.got.push(`${m.type} ${m.n}`),
    refused: (by, id, type, error) => e.refused.push(`${type} ${error.code}`),
    unanswered: (by, id, type) => e.unanswered.push(type),
  }, { now: () => e.time, id: () => `id-${ids++}` });
  e.sent = () => e.wire.splice(0);
  e.types = () => e.sent().map((m) => m.type);
  e.at = (time) => {
    e.time = time;
    e.x.expire();
  };
  return e;
}

let peerIDs = 0;
const from = (type, n, fields = {}) => ({ v: 1, id: `peer-${peerIDs++}`, type, call_id: "c", n, at: 1, ...fields });

test("an id is a UUID of version 7 with the time in front", () => {
  const id = newID(0x0192_3456_789a);
  assert.match(id, /^01923456-789a-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(newID(), newID());
});

test("a message is repeated after 0.5, 1, 2 and 2 s until it is confirmed", () => {
  const e = endpoint();
  const m = e.x.post("peer", "c", "hangup", { reason: "hung_up" });
  assert.equal(m.n, 0);
  const when = [];
  for (let t = 0; t <= 6000; t += 50) {
    e.at(t);
    if (e.sent().length > 0) when.push(t);
  }
  assert.deepEqual(when, [0, 500, 1500, 3500, 5500]);
  e.x.take("peer", { v: 1, id: "r", type: "received", call_id: "c", ref: m.id });
  e.at(9000);
  assert.deepEqual(e.sent(), []);
  assert.equal(e.x.pending, false);
});

test("what nobody confirms is given up after its time", () => {
  const e = endpoint();
  e.x.post("peer", "c", "hangup");
  e.at(GIVE_UP - 1);
  assert.deepEqual(e.unanswered, []);
  e.at(GIVE_UP);
  assert.deepEqual(e.unanswered, ["hangup"]);
  assert.equal(e.x.pending, false);
});

test("messages behind an invite wait until it is confirmed", () => {
  const e = endpoint();
  const invite = e.x.post("peer", "c", "invite", {}, 60_000);
  e.x.post("peer", "c", "candidate");
  e.x.post("peer", "c", "candidate");
  assert.deepEqual(e.types(), ["invite"]);
  e.x.take("peer", { v: 1, id: "r", type: "received", call_id: "c", ref: invite.id });
  assert.deepEqual(e.sent().map((m) => `${m.type} ${m.n}`), ["candidate 1", "candidate 2"]);
});

test("a withdrawn invite is not repeated, and its cancel does not wait for it", () => {
  const e = endpoint();
  e.x.post("peer", "c", "invite", {}, 60_000);
  e.sent();
  e.x.forget("peer", "c", "invite");
  e.x.post("peer", "c", "cancel", { reason: "canceled" });
  assert.deepEqual(e.types(), ["cancel"]);
  e.at(600);
  assert.deepEqual(e.types(), ["cancel"]);
});

test("messages arrive once and in the order of n, whatever the wire does", () => {
  const e = endpoint();
  const [a, b, c] = [from("ringing", 0), from("candidate", 1), from("accept", 2)];
  for (const m of [c, a, c, a, b, b]) e.x.take("peer", m);
  assert.deepEqual(e.got, ["ringing 0", "candidate 1", "accept 2"]);
  assert.deepEqual(e.types(), Array(6).fill("received"), "repeats are confirmed again");
});

test("answers are not numbered and not answered", () => {
  const e = endpoint();
  e.x.take("peer", from("ringing", 0));
  const [answer] = e.sent();
  assert.equal("n" in answer, false);
  e.x.take("peer", { ...answer, id: "other" });
  assert.deepEqual(e.sent(), []);
});

test("a message for an unknown call is refused and changes nothing", () => {
  const e = endpoint({ judge: () => "unknown_call" });
  const m = from("hangup", 0);
  e.x.take("peer", m);
  const [answer] = e.sent();
  assert.deepEqual([answer.type, answer.ref, answer.code], ["error", m.id, "unknown_call"]);
  assert.deepEqual(e.got, []);
});

test("an invite that comes after its cancel is confirmed and ignored", () => {
  const e = endpoint({ judge: (_, m) => (m.type === "invite" ? "" : "unknown_call") });
  e.x.take("peer", from("cancel", 1));
  e.x.take("peer", from("invite", 0));
  assert.deepEqual(e.types(), ["received", "received"]);
  assert.deepEqual(e.got, []);
  e.at(REMEMBER);
  e.x.take("peer", from("invite", 0, { call_id: "c" }));
  assert.deepEqual(e.got, ["invite 0"], "two minutes later it is another one");
});

test("a message that its sender may not say uses up its number", () => {
  const e = endpoint({ judge: (_, m) => (m.type === "cancel" ? "not_allowed" : "") });
  e.x.take("peer", from("ringing", 0));
  e.x.take("peer", from("cancel", 1));
  e.x.take("peer", from("accept", 2));
  assert.deepEqual(e.got, ["ringing 0", "accept 2"]);
  assert.deepEqual(e.sent().map((m) => m.code ?? m.type), ["received", "not_allowed", "received"]);
});

test("a number used before, under another id, is refused", () => {
  const e = endpoint();
  e.x.take("peer", from("ringing", 0));
  e.x.take("peer", from("accept", 0));
  assert.deepEqual(e.sent().map((m) => m.code ?? m.type), ["received", "out_of_order"]);
  assert.deepEqual(e.got, ["ringing 0"]);
});

test("a number far ahead is not answered and not kept", () => {
  const e = endpoint();
  e.x.take("peer", from("accept", 1000));
  assert.deepEqual(e.sent(), []);
});

test("an error for a message of ours is told, and the next ones go on", () => {
  const e = endpoint();
  const invite = e.x.post("peer", "c", "invite", {}, 60_000);
  e.x.post("peer", "c", "candidate");
  e.sent();
  e.x.take("peer", { v: 1, id: "r", type: "error", call_id: "c", ref: invite.id, code: "malformed" });
  assert.deepEqual(e.refused, ["invite malformed"]);
  assert.deepEqual(e.types(), ["candidate"]);
});

test("what is no message is ignored", () => {
  const e = endpoint();
  for (const junk of [null, 1, "x", {}, { v: 2 }, { v: 1, id: 1, call_id: "c" }, { v: 1, id: "a", call_id: {} }]) {
    e.x.take("peer", junk);
  }
  assert.deepEqual(e.sent(), []);
  for (const n of [-1, 1.5, "0", undefined]) e.x.take("peer", from("accept", n));
  assert.deepEqual(e.sent().map((m) => m.code), Array(4).fill("malformed"));
});

test("the conversations that are kept are bounded", () => {
  const e = endpoint();
  for (let i = 0; i < 5000; i++) e.x.take(`peer-${i}`, from("invite", 0, { call_id: `c-${i}` }));
  assert.equal(e.got.length, 5000);
});

test("two exchanges over a bad wire deliver everything once and in order", () => {
  // A fixed row of numbers decides what the wire does (Park and Miller).
  let seed = 42;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const a = endpoint();
  const b = endpoint();
  const flying = [];
  const want = [];
  for (let i = 0; i < 40; i++) {
    a.x.post("b", "c", "state", { i });
    want.push(`state ${i}`);
  }
  for (let t = 0; t < 60_000; t += 100) {
    a.at(t);
    b.at(t);
    for (const [e, to] of [[a, "b"], [b, "a"]]) {
      for (const m of e.sent()) {
        for (let copies = random() < 0.3 ? 0 : random() < 0.2 ? 2 : 1; copies > 0; copies--) {
          flying.push({ at: t + 400 * random(), to, m });
        }
      }
    }
    for (const f of flying.splice(0)) {
      if (f.at > t) flying.push(f);
      else (f.to === "b" ? b : a).x.take(f.to === "b" ? "a" : "b", f.m);
    }
  }
  assert.deepEqual(b.got, want);
  assert.equal(a.x.pending, false);
});
