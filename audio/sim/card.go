package sim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"hailpoint/audio"
)

// Backlog is how much sound a card keeps for a program that is late. Blocks
// older than that are lost, as in the buffer of a real card.
const Backlog = 200 * time.Millisecond

// ErrFailed is the fault of a card whose Fail was called without a reason.
var ErrFailed = errors.New("simulated sound card is unplugged: plug it in again")

// Config says what is connected to a card. The zero Config is a card that
// hears silence and whose sound nobody records.
type Config struct {
	// Microphone makes the sound the card captures; nil is silence.
	// Card.SetMicrophone changes it later.
	Microphone Source
	// Speaker receives every block the card plays, after the block function
	// has filled it; nil drops it. The frame is valid only during the call.
	Speaker func(out *audio.Frame)
	// OnState, if not nil, is told when sound begins to work (nil) and when
	// it stops (the fault). Run and Step call it, from their own goroutine;
	// it must not block.
	OnState func(fault error)
}

// Counts says what a card has done since it was made. The fields mean what
// they mean in audio/portaudio.
type Counts struct {
	Blocks     uint64 // blocks of 10 ms exchanged
	Overflows  uint64 // microphone blocks lost because the program was late
	Underflows uint64 // speaker blocks not played because the program was late
	Reopenings uint64 // times the card worked again after a fault
}

// Card is a simulated sound card. Run or Step drives it, never both at once;
// every other method may be called from any goroutine at any time.
type Card struct {
	config     Config
	block      func(in, out *audio.Frame)
	microphone atomic.Pointer[Source]

	blocks, lost, reopenings atomic.Uint64

	mu      sync.Mutex // guards the fields below
	fault   error
	changes uint64 // counts Fail and Repair, so that each is reported once

	// The fields below belong to the goroutine in Run or Step.
	reported uint64 // the changes that OnState has been told of, plus one
	faulty   bool   // what OnState was told last
	in, out  audio.Frame
}

// New makes a card that calls block for every 10 ms of sound: in holds what
// the microphone heard, out is silence to be filled with what the speaker
// plays. The frames are valid only during the call. Nothing happens before
// Run or Step.
func New(config Config, block func(in, out *audio.Frame)) *Card {
	c := &Card{config: config, block: block}
	c.SetMicrophone(config.Microphone)
	return c
}

// SetMicrophone makes source the sound of the following blocks; nil is
// silence. The source must not be in use by another card.
func (c *Card) SetMicrophone(source Source) {
	if source == nil {
		source = Silence()
	}
	c.microphone.Store(&source)
}

// Run exchanges blocks in real time until ctx ends, then returns nil. A late
// wake-up is caught up at once; what is later than Backlog is lost and
// counted. It may be called again after it has returned.
func (c *Card) Run(ctx context.Context) error {
	ticker := time.NewTicker(audio.FrameTime)
	defer ticker.Stop()
	start := time.Now()
	var done int64 // blocks accounted for since start
	c.report()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		due := int64(time.Since(start) / audio.FrameTime)
		if !c.report() {
			done = due // an unplugged card collects nothing
			continue
		}
		if late := due - done - int64(Backlog/audio.FrameTime); late > 0 {
			c.lost.Add(uint64(late))
			done += late
		}
		for ; done < due && ctx.Err() == nil; done++ {
			c.exchange()
		}
	}
}

// Step exchanges n blocks at once, in the caller's goroutine and without
// regard to time: a test advances the sound itself. On a failed card it only
// reports the fault to OnState, and returns it.
func (c *Card) Step(n int) error {
	if !c.report() {
		return c.State()
	}
	for range n {
		c.exchange()
	}
	return nil
}

// exchange is one block of sound both ways.
func (c *Card) exchange() {
	(*c.microphone.Load())(&c.in)
	clear(c.out[:])
	c.block(&c.in, &c.out)
	if c.config.Speaker != nil {
		c.config.Speaker(&c.out)
	}
	c.blocks.Add(1)
}

// report tells OnState of a change since its last call and returns whether
// the card works.
func (c *Card) report() bool {
	c.mu.Lock()
	fault, changes := c.fault, c.changes
	c.mu.Unlock()
	if c.reported == changes+1 {
		return fault == nil
	}
	c.reported = changes + 1
	if c.faulty && fault == nil {
		c.reopenings.Add(1)
	}
	c.faulty = fault != nil
	if c.config.OnState != nil {
		c.config.OnState(fault)
	}
	return fault == nil
}

// Fail stops the card, as if it were unplugged: no more blocks until Repair.
// State returns fault from now on, or ErrFailed if fault is nil; OnState is
// told at the next block.
func (c *Card) Fail(fault error) {
	if fault == nil {
		fault = ErrFailed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
	c.changes++
}

// Repair lets a failed card work again, from the next block on. On a card
// that works it changes nothing.
func (c *Card) Repair() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil {
		c.fault = nil
		c.changes++
	}
}

// State is nil while the card works, else the reason given to Fail.
func (c *Card) State() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

// Counts returns what the card has done so far.
func (c *Card) Counts() Counts {
	lost := c.lost.Load()
	return Counts{Blocks: c.blocks.Load(), Overflows: lost, Underflows: lost, Reopenings: c.reopenings.Load()}
}
