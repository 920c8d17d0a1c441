package broker

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// logger passes on what the server has to say that an operator would ask
// about. Debug and trace lines are off.
type logger struct {
	log   *slog.Logger
	fatal chan<- error // takes the first fatal error; has room for it
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(says, text(format, v)) }
func (l *logger) Debugf(format string, v ...any)  { l.log.Debug(says, text(format, v)) }
func (l *logger) Tracef(format string, v ...any)  { l.log.Debug(says, text(format, v)) }
func (l *logger) Warnf(format string, v ...any)   { l.log.Warn(says, text(format, v)) }

// Errorf warns, but not of a refused login: the gate has done that, and knows why.
func (l *logger) Errorf(format string, v ...any) {
	t := text(format, v)
	if strings.Contains(t.Value.String(), server.ErrAuthentication.Error()) {
		l.log.Debug(says, t)
		return
	}
	l.log.Warn(says, t)
}

// Fatalf ends Run with an error; a library does not end the process.
func (l *logger) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Errorf("run the broker: "+format+" (is another one running here?)", v...):
	default:
	}
}

const says = "broker engine says"

func text(format string, v []any) slog.Attr { return slog.String("text", fmt.Sprintf(format, v...)) }
