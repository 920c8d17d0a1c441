package link

import (
	"context"
	"encoding/json"
	"errors"

	"hailpoint/callagent/command"
	"hailpoint/callagent/event"
	"hailpoint/callagent/signal"
	"hailpoint/mqtt"
	"hailpoint/mqtt/topic"
)

// maxMembers bounds a ring group.
const maxMembers = 1024

// receive handles one message, from the client's one goroutine.
func (l *Link) receive(_ context.Context, _ *mqtt.Session, m mqtt.Message) {
	now := l.session.Load()
	p, err := l.cfg.Topics.Parse(m.Topic)
	if err != nil || now == nil {
		return // nothing that we subscribed
	}
	if len(m.Payload) > signal.MaxBytes {
		l.counters.TooLarge.Add(1)
		l.log.Warn("message too large", "topic", m.Topic, "bytes", len(m.Payload))
		if p.Kind == topic.Cmd && p.ID == l.cfg.Self {
			_, err := command.Decode(m.Payload)
			l.answer(command.Fail("", command.AsError(err)), l.reply)
		}
		return
	}
	switch {
	case p.Kind == topic.Group:
		l.group(p.Name, m.Payload)
	case p.Kind == topic.Status && p.ID != l.cfg.Self:
		l.peerStatus(p.ID, m.Payload)
	case p.ID != l.cfg.Self:
	case p.Kind == topic.Status:
		l.ownStatus(now, m.Payload)
	case p.Kind == topic.Signal && p.From == l.cfg.Self:
		if string(m.Payload) == now.marker {
			now.done()
		}
	case p.Kind == topic.Signal && m.Retained:
		// Signalling is not retained (the outside contract, section 2): this was
		// said some time ago, and would ring anew at each connect.
		l.counters.Malformed.Add(1)
		l.log.Warn("retained signalling message ignored", "from", p.From)
	case p.Kind == topic.Signal:
		l.signal(p.From, m.Payload)
	case p.Kind == topic.Ack:
		l.ack(m.Payload)
	case p.Kind == topic.Cmd:
		l.commands.take(l, m.Payload)
	case p.Kind == topic.ConfigDesired:
		l.desired(m.Payload)
	}
}

// signal hands a message to the agent, or what could be read of it.
func (l *Link) signal(from string, payload []byte) {
	m, err := signal.Decode(payload)
	if err == nil {
		l.agent.Message(from, m)
		return
	}
	l.counters.Malformed.Add(1)
	l.log.Debug("signalling message refused", "from", from, "error", err)
	if bad, ok := errors.AsType[*signal.DecodeError](err); ok {
		l.agent.Unreadable(from, bad)
	}
}

// group tells the agent who is in a ring group. A group whose retained message
// was removed is empty.
func (l *Link) group(name string, payload []byte) {
	var g struct {
		Members []string `json:"members"`
	}
	if len(payload) > 0 {
		if err := json.Unmarshal(payload, &g); err != nil {
			l.counters.Malformed.Add(1)
			l.log.Warn("ring group not readable", "group", name, "error", err)
			return
		}
	}
	users := []event.User{}
	for _, id := range g.Members {
		if !topic.ValidAddress(id) || len(users) == maxMembers {
			l.counters.Malformed.Add(1)
			l.log.Warn("member of ring group ignored", "group", name, "member", id)
			continue
		}
		users = append(users, event.User{ID: id})
	}
	l.agent.Group(name, users)
}

// peerStatus tells the agent the name of a peer.
func (l *Link) peerStatus(id string, payload []byte) {
	var s struct {
		Name string `json:"name"`
	}
	if len(payload) == 0 {
		return
	}
	if err := json.Unmarshal(payload, &s); err != nil {
		l.counters.Malformed.Add(1)
		return
	}
	if s.Name != "" {
		l.agent.PeerName(id, s.Name)
	}
}

// ack takes the backend's word that events are stored.
func (l *Link) ack(payload []byte) {
	var a struct {
		Journal string `json:"journal"`
		Seq     uint64 `json:"seq"`
	}
	if err := json.Unmarshal(payload, &a); err != nil || a.Seq == 0 {
		l.counters.Malformed.Add(1)
		return
	}
	if !l.deliver.ack(a.Journal, a.Seq) {
		l.counters.ForeignAcks.Add(1)
		l.log.Debug("ack ignored", "journal", a.Journal, "seq", a.Seq)
	}
}

// desired answers a desired configuration. This version applies none, and says
// so.
func (l *Link) desired(payload []byte) {
	if len(payload) == 0 {
		return // removed
	}
	var c struct {
		Version int64 `json:"version"`
	}
	problem := "this version of hailpoint does not take its configuration over MQTT; change the file on the terminal"
	if err := json.Unmarshal(payload, &c); err != nil {
		l.counters.Malformed.Add(1)
		problem = "not a desired configuration: " + err.Error()
	}
	b, err := json.Marshal(map[string]any{"version": c.Version, "ok": false, "errors": []string{problem}, "config": struct{}{}})
	if err != nil {
		l.log.Error("configuration report not made", "error", err)
		return
	}
	l.post(mqtt.Message{Topic: l.cfg.Topics.ConfigReported(l.cfg.Self), Payload: b, QoS: 1, Retained: true})
}

// answer gives a reply that is not kept.
func (l *Link) answer(r command.Reply, give func(reply []byte)) {
	b, err := json.Marshal(r)
	if err != nil {
		l.log.Error("reply not made", "command_id", r.ID, "error", err)
		return
	}
	give(b)
}

// reply publishes a reply.
func (l *Link) reply(b []byte) {
	l.post(mqtt.Message{Topic: l.cfg.Topics.Reply(l.cfg.Self), Payload: b, QoS: 1})
}
