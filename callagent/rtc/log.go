package rtc

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// libraryLog gives Pion's messages to slog: its errors as warnings, since no
// error of the library ends the process, the rest as debug. Its warnings are
// among that rest because any stranger's UDP packet can cause one.
type libraryLog struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (l libraryLog) NewLogger(scope string) logging.LeveledLogger {
	return scopedLog{l.log.With("scope", scope)}
}

// scopedLog implements logging.LeveledLogger for one part of Pion.
type scopedLog struct{ log *slog.Logger }

func (s scopedLog) Trace(string)                 {}
func (s scopedLog) Tracef(string, ...any)        {}
func (s scopedLog) Debug(text string)            { s.debug(text) }
func (s scopedLog) Debugf(form string, a ...any) { s.debug(form, a...) }
func (s scopedLog) Info(text string)             { s.debug(text) }
func (s scopedLog) Infof(form string, a ...any)  { s.debug(form, a...) }
func (s scopedLog) Warn(text string)             { s.debug(text) }
func (s scopedLog) Warnf(form string, a ...any)  { s.debug(form, a...) }
func (s scopedLog) Error(text string)            { s.warn(text) }
func (s scopedLog) Errorf(form string, a ...any) { s.warn(form, a...) }
func (s scopedLog) debug(form string, a ...any)  { s.log.Debug("webrtc library", "text", lazy{form, a}) }

func (s scopedLog) warn(form string, a ...any) { s.log.Warn("webrtc library", "text", lazy{form, a}) }

// lazy is a message that is formatted only when it is written.
type lazy struct {
	form string
	args []any
}

// LogValue implements slog.LogValuer.
func (l lazy) LogValue() slog.Value {
	if len(l.args) == 0 {
		return slog.StringValue(l.form)
	}
	return slog.StringValue(fmt.Sprintf(l.form, l.args...))
}
