package broker

import (
	"fmt"
	"log/slog"
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
func (l *logger) Errorf(format string, v ...any)  { l.log.Warn(says, text(format, v)) }

// Fatalf ends Run with an error; a library does not end the process.
func (l *logger) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Errorf("run the broker: "+format+" (is another one running here?)", v...):
	default:
	}
}

const says = "broker engine says"

func text(format string, v []any) slog.Attr { return slog.String("text", fmt.Sprintf(format, v...)) }
