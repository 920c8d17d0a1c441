package playout

import "time"

// Stats says what a Buffer has done since it was made. Counts of samples are
// at audio.SampleRate.
type Stats struct {
	// Received counts the packets given to Put, whatever became of them.
	Received uint64
	// Late counts packets that came after their place had been played or
	// concealed. Each of them was also counted in Lost.
	Late uint64
	// Duplicate counts packets that had come before.
	Duplicate uint64
	// Malformed counts packets that were too large or that the decoder refused.
	Malformed uint64
	// Unexpected counts packets whose numbers belong to no known stream. Two in a
	// row begin another stream.
	Unexpected uint64
	// Lost counts packets that were not there when they were to be played.
	Lost uint64
	// Recovered counts lost packets rebuilt from the redundancy (forward error
	// correction) in the packet behind them.
	Recovered uint64
	// Dropped counts packets thrown away unplayed because the buffer held too
	// much, or because the sound card had stopped and they were out of date.
	Dropped uint64
	// Underruns counts the times the buffer ran empty while sound was expected: a
	// packet came late, or the sender stopped without announcing it.
	Underruns uint64
	// Resyncs counts new alignments of playing to arriving: the first start, and
	// each start after a pause, a jump of the timestamps or a new stream.
	Resyncs uint64
	// ConcealedSamples counts samples invented by the decoder for lost or late
	// packets.
	ConcealedSamples uint64
	// ComfortSamples counts samples of comfort noise played while the sender
	// said that it is silent (discontinuous transmission).
	ComfortSamples uint64
	// InsertedSamples counts samples by which playing was stretched, either to
	// bring the delay up to the target or to wait for a late packet.
	InsertedSamples uint64
	// RemovedSamples counts samples by which playing was shortened to bring the
	// delay down to the target. Dropped packets are not in it.
	RemovedSamples uint64
	// Depth is how much sound is held at present, decoded or not.
	Depth time.Duration
	// Delay is how long the quickest packets of late have waited between
	// arriving and being played. It is what Target aims at.
	Delay time.Duration
	// Target is the delay aimed at.
	Target time.Duration
}
