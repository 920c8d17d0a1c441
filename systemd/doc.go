// Package systemd is how a Hailpoint program and systemd get on: the readiness
// and watchdog messages of sd_notify(3), and, as files beside this one, the
// units, the users, the device permissions, the sample configuration and the
// changelog that make install puts in place.
//
//	hailpoint.service, hailpoint-fleet.service  one unit per program
//	hailpoint.sysusers                          their users, and the gpio group
//	60-hailpoint-gpio.rules                     GPIO chips for the gpio group
//	hailpoint.toml                              the sample configuration
//	hailpoint-fleet                             where the fleet service listens
//	changelog                                   Debian's format, newest first
//
// # Why
//
// The watchdog is beaten by the loop that does the work and by nothing else. A
// goroutine with a ticker of its own would go on beating while the loop hangs
// in a lock or a driver, which is the one case the watchdog is for. The price is
// that the loop must never wait longer than Interval, so slow work goes to
// others.
//
// The protocol is a datagram of a few words, but the environment around it
// (abstract addresses, WATCHDOG_PID) is easy to get slightly wrong, so the
// library of the systemd project's Go binding is used for both.
//
// The terminal's unit is closed except for what its work needs: GPIO chips,
// sound cards and sockets. It runs at a raised priority, not with real-time
// scheduling: a runaway real-time thread stops a board with one core, and sound
// in blocks of 10 ms does not need it. A test holds the exposure that
// systemd-analyze computes for each unit at 2.0 or below.
package systemd
