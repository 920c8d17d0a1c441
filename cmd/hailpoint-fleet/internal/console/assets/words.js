// What the fleet's facts are called on the page.

export const STATES = {
  idle: "Ready",
  dialing: "Dialling",
  ringing_out: "Calling",
  ringing_in: "Ringing",
  connecting: "Connecting",
  talking: "In a call",
  ending: "Ending",
};

/** What a terminal does, in words. */
export function terminalState(t) {
  switch (t.presence) {
    case "offline":
      return t.reason === "shutdown" ? "Switched off" : "Connection lost";
    case "lost":
      return "No sign of life";
    case "unheard":
      return "Not heard yet";
  }
  const state = STATES[t.state] ?? t.state ?? "";
  return t.peer && t.state !== "idle" ? `${state} · ${t.peer}` : state;
}

export const REASONS = {
  canceled: "Withdrawn",
  rejected: "Declined",
  busy: "Busy",
  no_answer: "No answer",
  hung_up: "Hung up",
  time_limit: "Time limit",
  aborted: "Broken off",
  join_failed: "No sound connection",
  kicked: "Removed",
  answered_elsewhere: "Answered elsewhere",
  rejected_elsewhere: "Declined elsewhere",
  room_closed: "Closed",
};

export const CALL_STATES = {
  calling: "Calling",
  ringing: "Ringing",
  answered: "Answered",
  talking: "Talking",
};

const name = (u) => (u && (u.name || u.id)) || "somebody";
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const by = { manual: "by button", app_force: "by command", time_limit: "by the time limit", system: "by the system", page_closed: "page closed" };

// Event name -> what it says, in words.
const EVENTS = {
  "call.created": (d) => ["Call made", `${name(d.caller)} → ${(d.callees ?? []).map(name).join(", ")}`],
  "call.incoming": (d) => ["Call arrived", `from ${name(d.caller)}`],
  "op.result": (d) => [d.ok ? `${operation(d.op)} done` : `${operation(d.op)} failed`, d.detail],
  "call.ringing": (d) => ["Rings", `at ${name(d.user)}`],
  "room.joined": () => ["Sound ready", ""],
  "room.join_failed": (d) => ["No sound", d.err_msg],
  "call.accepted": (d) => ["Answered", [`by ${name(d.user)}`, d.local ? by[d.origin] : ""].filter(Boolean).join(", ")],
  "call.connected": () => ["Connected", "talk time starts"],
  "call.canceled": (d) => ["Withdrawn", by[d.origin] ?? ""],
  "call.rejected": (d) => ["Declined", [`by ${name(d.user)}`, d.detail].filter(Boolean).join(", ")],
  "call.busy": (d) => ["Busy", name(d.user)],
  "call.no_answer": (d) => ["No answer", name(d.user)],
  "call.hung_up": (d) => ["Hung up", `by ${name(d.user)} after ${seconds(d.talk_ms)}`],
  "call.aborted": (d) => ["Broken off", [d.cause?.replaceAll("_", " "), d.err_msg].filter(Boolean).join(": ")],
  "call.ended": (d) => ["Ended", [REASONS[d.reason] ?? d.reason, d.connected ? `talked ${seconds(d.talk_ms)}` : "never connected"].join(", ")],
  "call.settled": (d) => ["Settled", seconds(d.settled_ms)],
  "member.invited": (d) => ["Invited", (d.invited ?? []).map(name).join(", ")],
  "member.joined": (d) => ["Joined", name(d.user)],
  "member.left": (d) => ["Left", [name(d.user), d.why?.replaceAll("_", " ")].filter(Boolean).join(", ")],
  "media.state": (d) => [d.sending ? "Sends sound" : "Muted", name(d.user)],
  "media.track": (d) => ["Track", name(d.user)],
  "device.error": (d) => ["Device fault", d.detail],
};

function operation(op) {
  return { invite: "Invitation", cancel: "Withdrawal", accept: "Answer", reject: "Refusal", kick: "Removal", message: "Message" }[op] ?? op;
}

/** An event's title and detail; one that this page does not know keeps its name. */
export function eventWords(e) {
  try {
    const [title, detail] = EVENTS[e.name]?.(e.data ?? {}) ?? [e.name, ""];
    return { title, detail: detail ?? "" };
  } catch {
    return { title: e.name, detail: "" };
  }
}
