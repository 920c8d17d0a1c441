// Package stoi measures how intelligible speech is after it went through
// something, against the speech that went in: the short-time objective
// intelligibility measure of C. H. Taal, R. C. Hendriks, R. Heusdens and
// J. Jensen, "An Algorithm for Intelligibility Prediction of Time-Frequency
// Weighted Noisy Speech", IEEE Transactions on Audio, Speech, and Language
// Processing 19(7), 2011. It is pure.
//
// A value is between about 0 and 1, and 1 says that nothing was lost. It is not
// a mean opinion score and must not be shown as one.
//
// # Why
//
// STOI can be computed from its paper in two hundred lines and agrees with other
// implementations to the last digits. PESQ, POLQA and ViSQOL are either not free
// or much larger, and measure how speech sounds rather than whether it is
// understood, which is what a help point is for.
//
// It needs both signals in step: 20 ms of shift are enough to spoil it. Align
// finds one delay for the whole recording. Where a playout buffer shortened or
// lengthened the sound half-way, what comes after is out of step, and the value
// falls although ears would not mind; MeasureParts aligns piece by piece and is
// the fairer measure there.
package stoi
