//go:build cgo

#include <stdint.h>
#include <portaudio.h>

// hailpoint_open opens a duplex stream of one channel of 16 bit samples in
// each direction; every block goes to hailpointBlock with the handle.
PaError hailpoint_open(PaStream **stream, int input, int output, double latency,
                       double rate, unsigned long frames, uintptr_t handle);

// hailpoint_quiet keeps the libraries below PortAudio from writing to
// standard error.
void hailpoint_quiet(void);
