//go:build cgo

#define _GNU_SOURCE
#include "card.h"
#include "_cgo_export.h"

#include <alsa/asoundlib.h>
#include <dlfcn.h>

static int block(const void *in, void *out, unsigned long frames,
                 const PaStreamCallbackTimeInfo *time, PaStreamCallbackFlags flags, void *handle) {
	hailpointBlock((uintptr_t)handle, (void *)in, out, frames,
	               (flags & paInputOverflow) != 0, (flags & paOutputUnderflow) != 0,
	               time->outputBufferDacTime - time->inputBufferAdcTime);
	return paContinue;
}

PaError hailpoint_open(PaStream **stream, int input, int output, double latency,
                       double rate, unsigned long frames, uintptr_t handle) {
	PaStreamParameters in = {.device = input, .channelCount = 1, .sampleFormat = paInt16, .suggestedLatency = latency};
	PaStreamParameters out = {.device = output, .channelCount = 1, .sampleFormat = paInt16, .suggestedLatency = latency};
	return Pa_OpenStream(stream, &in, &out, rate, frames, paNoFlag, block, (void *)handle);
}

static void no_alsa_message(const char *file, int line, const char *function, int err, const char *format, ...) {
	(void)file, (void)line, (void)function, (void)err, (void)format;
}

static void no_message(const char *message) { (void)message; }

// From PortAudio's pa_debugprint.h. A shared libportaudio does not export it,
// and then prints a line for every card that cannot be opened.
extern void PaUtil_SetDebugPrintFunction(void (*print)(const char *)) __attribute__((weak));

void hailpoint_quiet(void) {
	static const char *const setters[] = {"jack_set_error_function", "jack_set_info_function"};

	snd_lib_error_set_handler(no_alsa_message);
	if (PaUtil_SetDebugPrintFunction)
		PaUtil_SetDebugPrintFunction(no_message);
	// libjack is there only if libportaudio was built with it.
	for (unsigned i = 0; i < sizeof setters / sizeof setters[0]; i++) {
		void (*set)(void (*)(const char *)) = dlsym(RTLD_DEFAULT, setters[i]);
		if (set)
			set(no_message);
	}
}
