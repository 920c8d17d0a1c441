// Package sim is a sound card made of software: it asks for blocks at the pace
// of a real card, takes the microphone's sound from a [Source] and gives the
// speaker's to a function, by habit that of a [Recorder].
//
// A [Card] has the shape of the real card's stream in audio/portaudio, so a
// whole terminal runs on it, in a demonstration, in a service that simulates
// terminals, and in tests:
//
//	heard := sim.NewRecorder(10 * time.Second)
//	card := sim.New(sim.Config{
//		Microphone: sim.Tone(1000, 0.3),
//		Speaker:    heard.Hear,
//	}, block)
//	err := card.Run(ctx)     // real time, or card.Step(n) for n blocks at once
//	pcm := heard.Snapshot()  // what the speaker played
//
// [Card.Fail] and [Card.Repair] pull the plug and put it back.
//
// # Why
//
// The pace comes from the monotonic clock: at every tick the card delivers
// all the blocks that are due by then. A timer that wakes late, which is the
// rule on a busy machine, so costs delay for that one moment only. A card
// that made one block per tick would lose sound for ever at each late tick,
// and the far end's playout buffer would run dry; a card without a limit
// would, after a second's pause of the process, hand over a hundred blocks at
// once. So what lies more than [Backlog] in the past is lost and counted, as
// the buffer of a real card overflows.
//
// The price: blocks come in bursts after a late tick, and the card's clock is
// the computer's clock. Drift between two sound cards is not simulated.
package sim
