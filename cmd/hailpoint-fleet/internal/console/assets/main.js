// Joins the parts of the page.

import { text } from "./dom.js";
import { Phone } from "./phone.js";
import { Socket } from "./socket.js";
import { Sound } from "./sound.js";
import { CallView } from "./view-call.js";
import { CallsView } from "./view-calls.js";
import { ReadyView } from "./view-ready.js";
import { SimsView } from "./view-sims.js";
import { TerminalsView } from "./view-terminals.js";

const line = document.getElementById("line");
const socket = new Socket(`${location.origin.replace(/^http/, "ws")}/ws`);
const sound = new Sound();
const phone = new Phone({
  send: (to, message) => socket.send({ to, message }),
  media: sound,
  peerConnection: () => new RTCPeerConnection({ bundlePolicy: "max-bundle" }),
});

const terminals = new TerminalsView({
  onCall: (t) => phone.dial({ id: t.id, name: t.name || t.id }),
});
const calls = new CallsView({
  watch: (id) => socket.send({ watch: id }),
  more: (before) => socket.send({ more: before }),
  name: (id) => (id === phone.self.id ? phone.self.name : terminals.name(id)),
});
const sims = new SimsView({
  hold: (id, button, down) => socket.send({ hold: { id, button, down } }),
  name: (id) => terminals.name(id),
});
const ready = new ReadyView({ sound });
new CallView({ phone, sound });

phone.addEventListener("change", () => terminals.allow(socket.open && !phone.busy));

function connection(state, words) {
  line.dataset.state = state;
  text(line, words);
  terminals.allow(socket.open && !phone.busy);
}

socket.addEventListener("open", () => connection("good", "Connected"));
socket.addEventListener("closed", () => connection("bad", "Connection lost, trying again…"));
socket.addEventListener("logged_out", () => location.assign("/login"));
socket.addEventListener("message", ({ detail: m }) => {
  if (m.from) return phone.take(m.from, m.message);
  if (m.hello) {
    text(document.getElementById("operator"), m.hello.name);
    text(document.getElementById("address"), m.hello.address);
    return phone.register({ id: m.hello.address, name: m.hello.name }, m.hello.ring_ms);
  }
  if (m.terminals) {
    terminals.replace(m.terminals);
    sims.render(); // their names come from the terminals
  }
  if (m.terminal) {
    terminals.update(m.terminal);
    sims.render();
  }
  if (m.calls) calls.replace(m.calls);
  if (m.older) calls.older(m.older);
  if (m.call) calls.update(m.call);
  if (m.timeline) calls.timeline(m.timeline);
  if (m.sims) sims.replace(m.sims);
  if (m.sim) sims.update(m.sim);
  if (m.levels) sims.levels(m.levels);
  if (m.refused) console.warn("refused by the service:", m.refused.detail);
});

// Whoever closes the page hangs up.
addEventListener("pagehide", () => phone.leave());
// For people who measure: the sound in both directions, and the plain microphone.
globalThis.hailpoint = { phone, sound };

ready.render();
socket.connect();
