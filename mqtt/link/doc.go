// Package link joins a terminal's agent to the outside over MQTT: events go
// through the journal and the dialects to the broker and are repeated until
// they are acknowledged; signalling, commands, ring groups and the status of
// peers come in (the outside contract, sections 2 to 7).
//
// A Link is given to the agent as its way out, and is given the agent by Run:
//
//	l, err := link.Open(cfg, log)
//	agent, err := callagent.New(agentConfig, l, media)
//	go agent.Run(ctx)  // ends first
//	go l.Run(ctx2, agent)
//
// # Why
//
// Three things must not wait for each other: the call, the disk and the
// network. So what the agent hands over is queued; one goroutine writes the
// journal and syncs once for all that has gathered; another sends from the
// journal, not from the queue, so that a backlog of any length and a fresh
// event take the same path, in order, with a bounded window in memory.
// Signalling has a queue of its own beside it. The price is that a record is
// read back from the page cache once before it is sent.
//
// A vocabulary's encoder is a fold over the events. There are two of each: one
// follows the journal's end, for transient events, which are sent as they
// happen or not at all; the other follows what is sent, which may be far
// behind. Both are fed again at the start from the records the journal still
// has: those not delivered, and those of calls that had not ended.
package link
