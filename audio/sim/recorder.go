package sim

import (
	"sync"
	"time"

	"hailpoint/audio"
)

// Recorder keeps the last seconds of what it hears. Its methods may be called
// from any goroutine. Hear copies one frame under a lock that Snapshot holds
// while it copies the whole recording (about a millisecond per minute of it).
type Recorder struct {
	mu    sync.Mutex // guards the fields below
	ring  []int16
	total int64 // samples heard
}

// NewRecorder keeps the last d of sound, rounded up to whole frames; a d of
// zero or less keeps one frame.
func NewRecorder(d time.Duration) *Recorder {
	frames := max(1, int((d+audio.FrameTime-1)/audio.FrameTime))
	return &Recorder{ring: make([]int16, frames*audio.FrameSamples)}
}

// Hear adds one frame, dropping the oldest when the recorder is full. It is
// the Speaker of a Config. It does not allocate.
func (r *Recorder) Hear(out *audio.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(r.ring[r.total%int64(len(r.ring)):], out[:])
	r.total += audio.FrameSamples
}

// Snapshot returns a copy of what is kept, oldest sample first.
func (r *Recorder) Snapshot() []int16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := int64(len(r.ring))
	if r.total <= size {
		return append([]int16(nil), r.ring[:r.total]...)
	}
	at := r.total % size
	return append(append(make([]int16, 0, size), r.ring[at:]...), r.ring[:at]...)
}

// Heard is how much sound has been heard in all, kept or not.
func (r *Recorder) Heard() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Duration(r.total/audio.FrameSamples) * audio.FrameTime
}

// Reset forgets everything heard.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total = 0
}
